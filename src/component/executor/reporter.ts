/**
 * Gets reports through. A report that fails is tried again without user code
 * (a callback may conflict, or exhaust a limit); then its results go in halves,
 * so that one which cannot be recorded does not hold up its neighbours; alone,
 * that one becomes a failure that says so. Nothing is dropped: when all of this
 * fails for about a minute, the executor gives up and recovery takes over.
 *
 * How many results go into one report is learned: what made one fail that does not
 * pass by itself (callbacks that share one second of CPU, rows that together are too
 * large) is likely to be true of the next ones as well.
 */
import { internal } from "../_generated/api.js";
import type { Id } from "../_generated/dataModel.js";
import type { ActionCtx } from "../_generated/server.js";
import { cappedBackoffMs } from "../backoff.js";
import { formatError } from "../work/errorText.js";
import { isPassing, wasNotStarted } from "../platformTexts.js";
import { SECOND } from "../shared.js";
import type { ExecutorLog } from "./log.js";
import {
  type AttemptResult,
  PROTOCOL_VERSION,
  type ReportArgs,
  type ReportReply,
} from "./protocol.js";
import { sleep } from "./sleep.js";
import { MAX_RESULTS } from "./step.js";

/** With doubling waits from 100 ms to 10 s: about a minute. */
const TRIES = 12;
/** From this try on it is worth while to look for the result that does not go through. */
const SPLIT_AFTER_TRIES = 3;

const REPORT = internal.executor.report.report;

type Rest = Pick<
  ReportArgs,
  | "holding"
  | "want"
  | "wantBytes"
  | "worksPerSlot"
  | "beginsBefore"
  | "halved"
  | "closing"
  | "mayDrive"
>;

export class Reporter {
  private seq = 0;
  /** How many results the next report should bring at most. */
  batchSize = MAX_RESULTS;

  constructor(
    private readonly ctx: ActionCtx,
    private readonly executorId: Id<"executor">,
    private readonly incarnation: number,
    private readonly log: ExecutorLog,
    /** Called when the platform refused a report that was sent at `beganAt`. */
    private readonly onRefused: (beganAt: number) => void,
  ) {}

  /** @throws when nothing got through for about a minute. */
  async report(results: AttemptResult[], rest: Rest): Promise<ReportReply> {
    const seq = this.seq++;
    for (let tries = 1; ; tries++) {
      const beganAt = Date.now();
      try {
        const reply = await this.ctx.runMutation(REPORT, {
          version: PROTOCOL_VERSION,
          executorId: this.executorId,
          incarnation: this.incarnation,
          seq,
          results,
          ...rest,
          inlineCallbacks: tries === 1,
        });
        if (tries === 1)
          this.batchSize = larger(this.batchSize, results.length);
        return reply;
      } catch (error) {
        if (wasNotStarted(error)) this.onRefused(beganAt);
        const passing = isPassing(error);
        this.log.problem(
          passing ? "warn" : "error",
          `report ${seq} with ${results.length} results failed (try ${tries} of ${TRIES}): ${formatError(error).trim()}`,
        );
        if (!passing) this.shrink(results.length);
        if (tries >= TRIES) throw error;
        if (tries >= SPLIT_AFTER_TRIES && !passing) {
          if (results.length > 1) return await this.halves(results, rest);
          const [only] = results;
          if (only && only.outcome.kind !== "failed") {
            return await this.report([unrecordable(only, error)], rest);
          }
        }
        await sleep(cappedBackoffMs(100, 10 * SECOND, tries, Math.random()));
      }
    }
  }

  private shrink(failed: number): void {
    const batchSize = smaller(this.batchSize, failed);
    if (batchSize === this.batchSize) return;
    this.batchSize = batchSize;
    this.log.problem(
      "warn",
      `reports bring ${batchSize} results at most from now on, until they get through`,
    );
  }

  private async halves(
    results: AttemptResult[],
    rest: Rest,
  ): Promise<ReportReply> {
    const middle = Math.ceil(results.length / 2);
    const later = results.slice(middle);
    const first = await this.report(results.slice(0, middle), {
      // The attempts of the second half are still ours: they must not be sent again.
      holding: [...rest.holding, ...later.map(({ position }) => position)],
      want: 0,
      wantBytes: 0,
      worksPerSlot: rest.worksPerSlot,
      beginsBefore: rest.beginsBefore,
      halved: rest.halved,
      closing: false,
      mayDrive: false,
    });
    if (first.done) return first;
    const second = await this.report(later, {
      ...rest,
      holding: [...rest.holding, ...first.next.map(({ position }) => position)],
    });
    return { ...second, next: [...first.next, ...second.next] };
  }
}

/** After a report with `failed` results did not get through. Pure. */
export function smaller(batchSize: number, failed: number): number {
  if (failed === 0) return batchSize;
  return Math.max(1, Math.min(batchSize, Math.floor(failed / 2)));
}

/**
 * After one with `brought` got through at once. Pure. Slowly: each report too large
 * costs its callbacks a transaction each. Only a full one tells anything.
 */
export function larger(batchSize: number, brought: number): number {
  return brought < batchSize ? batchSize : Math.min(MAX_RESULTS, batchSize + 1);
}

function unrecordable(result: AttemptResult, error: unknown): AttemptResult {
  return {
    ...result,
    outcome: {
      kind: "failed",
      error: `The result could not be recorded: ${formatError(error)}`,
      retryable: false,
    },
  };
}

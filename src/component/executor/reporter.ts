/**
 * Gets reports through. A report that fails is tried again without user code
 * (a callback may conflict, or exhaust a limit); then its results go in halves,
 * so that one which cannot be recorded does not hold up its neighbours; alone,
 * that one becomes a failure that says so. Nothing is dropped: when all of this
 * fails for about a minute, the executor gives up and recovery takes over.
 *
 * How many results go into one report is learned: what made one fail that does not
 * pass by itself (callbacks that share one second of CPU, rows that together are too
 * large) is likely to be true of the next ones as well. So is how long its callbacks take:
 * a report that stays open for long meets a transition of the loop in the end, and then
 * runs them again.
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

/** What a report's callbacks bring about is there for others after so long, unless a single one takes longer. */
const MAX_OPEN_MS = 400;
/** Nothing is known of the callbacks yet. */
const FIRST_AWAITED = 32;

/** How many results the next report should bring at most. */
export type Batch = {
  results: number;
  /** Of these, how many with callbacks. */
  awaited: number;
};

export class Reporter {
  private seq = 0;
  /** How many results go through together, as far as is known. */
  private most = MAX_RESULTS;
  /** How many callbacks run within {@link MAX_OPEN_MS}, as far as is known. */
  private inTime = FIRST_AWAITED;

  constructor(
    private readonly ctx: ActionCtx,
    private readonly executorId: Id<"executor">,
    private readonly incarnation: number,
    private readonly log: ExecutorLog,
    /** Called when the platform refused a report that was sent at `beganAt`. */
    private readonly onRefused: (beganAt: number) => void,
  ) {}

  get batch(): Batch {
    return { results: this.most, awaited: this.inTime };
  }

  /**
   * @param awaited - How many of the results have callbacks.
   * @throws when nothing got through for about a minute.
   */
  async report(
    results: AttemptResult[],
    rest: Rest,
    awaited = 0,
  ): Promise<ReportReply> {
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
        if (tries === 1) {
          this.most = larger(this.most, results.length);
          this.inTime = paced(this.inTime, awaited, Date.now() - beganAt);
        }
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
    const most = smaller(this.most, failed);
    if (most === this.most) return;
    this.most = most;
    this.log.problem(
      "warn",
      `reports bring ${most} results at most from now on, until they get through`,
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

/**
 * How many callbacks a report may run, after one with `ran` of them took `ms`, waits for
 * lost races included. Pure. It grows quickly: a report that takes too long is late, and no more.
 */
export function paced(size: number, ran: number, ms: number): number {
  if (ran === 0) return size;
  if (ms > MAX_OPEN_MS) {
    return Math.max(1, Math.min(size, Math.floor((ran * MAX_OPEN_MS) / ms)));
  }
  return ran < size ? size : Math.min(MAX_RESULTS, 2 * size);
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

/**
 * Carries out what `settle.ts` decides: works end here, or go back to the queue.
 * Every end of an attempt comes through this file.
 */
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { requeue, type Requeued } from "../queue/entries.js";
import { type Logger, recordCompleted, recordIncident } from "../logging.js";
import { endWork } from "./outcome.js";
import { inHalves } from "./quarantine.js";
import { type AttemptEnd, type Settlement, settleAttempt } from "./settle.js";
import type { RunResult } from "../shared.js";
import { NOTHING, type Tally } from "../tally.js";
import { liveWork } from "./live.js";
import { dropNext, takeNext } from "./next.js";

export type SettleOptions = {
  /** Callbacks run here and now, where possible; else they are owed. */
  inlineCallbacks?: boolean;
};

export class Settler {
  readonly tally: Tally = { ...NOTHING };
  private readonly back: Requeued[] = [];
  /** Of these, one may be why the executor of all of them died. */
  private readonly suspects: Requeued[] = [];

  constructor(
    private readonly ctx: MutationCtx,
    private readonly console: Logger,
    private readonly options: SettleOptions = {},
  ) {}

  /**
   * @param attempted - As it is now: user code that ran before may have changed it.
   * @param startedAt - When the attempt began, if it did.
   * @returns how the work ended. Null: it goes on, once {@link putBack} was called.
   */
  async settle(
    attempted: Doc<"work">,
    end: AttemptEnd,
    startedAt?: number,
  ): Promise<RunResult["kind"] | null> {
    const { ctx, console, options } = this;
    const settlement = settleAttempt(
      attempted,
      end,
      Date.now(),
      Math.random(),
      startedAt,
    );
    this.log(attempted, end, settlement);
    const work = !attempted.next
      ? attempted
      : settlement.takesNext
        ? await takeNext(ctx, attempted)
        : await dropNext(ctx, attempted);
    if (settlement.kind === "goOn") {
      const { dueAt, patch, long, isSuspect, isRetry } = settlement;
      (isSuspect ? this.suspects : this.back).push({
        work,
        dueAt,
        patch,
        long,
      });
      if (isRetry) this.count("retries");
      return null;
    }
    const { result, attempts, lastError, history } = settlement;
    const { reason, errorData } = settlement;
    await endWork(
      ctx,
      console,
      {
        ...work,
        attempts,
        ...(lastError === undefined ? {} : { lastError }),
        ...(history === undefined ? {} : { history }),
      },
      result,
      {
        ...(startedAt === undefined ? {} : { startedAt }),
        inlineCallback: options.inlineCallbacks === true,
        reason,
        errorData,
      },
    );
    this.countEnd(result.kind);
    return result.kind;
  }

  /** Of a mutation or query, whose own transaction has settled it. */
  countEnd(kind: RunResult["kind"]): void {
    this.count(kind === "success" ? "succeeded" : kind);
  }

  /**
   * What goes on goes back to the queue. A callback that ran meanwhile may have
   * canceled some of it: that ends.
   *
   * @param backAt - Of those that go back without the report of the executor that has them.
   * @returns when the earliest is due. Null: nothing went back.
   */
  async putBack(backAt?: number): Promise<number | null> {
    const { ctx, console, suspects } = this;
    const quarantined = inHalves(suspects);
    if (quarantined.length > 0) {
      const groups = new Set(quarantined.map(({ patch }) => patch.isolate));
      recordIncident(
        console,
        "warn",
        "quarantine",
        `${quarantined.length} works of an executor that ran out of memory run apart from others from now on`,
        { works: quarantined.length, groups: groups.size },
      );
    }
    const waiting: Requeued[] = [];
    for (const item of [...this.back, ...quarantined]) {
      const work = this.options.inlineCallbacks
        ? await liveWork(ctx, item.work._id)
        : item.work;
      if (work?.canceled) {
        await endWork(
          ctx,
          console,
          { ...work, ...item.patch },
          { kind: "canceled" },
        );
        this.countEnd("canceled");
      } else if (work) {
        const patch =
          backAt === undefined ? item.patch : { ...item.patch, backAt };
        waiting.push({ ...item, work, patch });
      }
    }
    await requeue(ctx, waiting);
    return waiting.length > 0
      ? Math.min(...waiting.map(({ dueAt }) => dueAt!))
      : null;
  }

  private count(kind: keyof Tally): void {
    this.tally[kind] += 1;
  }

  private log(
    { _id, fnName }: Doc<"work">,
    end: AttemptEnd,
    settlement: Settlement,
  ): void {
    const { console } = this;
    const what = `[attempt] ${fnName} (work ${_id})`;
    if (end.kind === "notStarted" && settlement.kind === "goOn") {
      const why = end.error.trim();
      console.each("warn", `${what} was not started and waits again: ${why}`);
    }
    if (end.kind === "postponed" && settlement.kind === "goOn") {
      console.debug(`${what} was ${end.why} and waits for ${end.ms} ms`);
    }
    if (settlement.takesNext && settlement.kind === "goOn") {
      const { suspended } = settlement.patch;
      console.debug(
        suspended === undefined
          ? `${what} goes on with other arguments`
          : `${what} is suspended`,
      );
    }
    if (settlement.kind === "end" && settlement.reason === "expired") {
      console.each("warn", `${what} expired before it could begin`);
      return;
    }
    if (settlement.kind === "goOn") {
      const { attempts, lastError } = settlement.patch;
      if (!settlement.isRetry || lastError === undefined) return;
      console.each(
        "warn",
        `${what} failed in attempt ${attempts} and will be retried: ${lastError.trim()}`,
      );
      recordCompleted(console, {
        workId: _id,
        fnName,
        completedAt: Date.now(),
        onCompleteScheduledFunctionId: undefined,
        attempts: attempts!,
        status: "retrying",
      });
      return;
    }
    const { lastError, attempts, result } = settlement;
    if (lastError === undefined || result.kind === "success") return;
    console.each(
      "error",
      `${what} failed in attempt ${attempts}: ${lastError.trim()}`,
    );
  }
}

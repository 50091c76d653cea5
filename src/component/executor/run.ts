/**
 * An executor: one scheduled action that runs many works side by side.
 *
 *     open ── old, or nothing more to expect ──▶ closing ── the last one ends ──▶ done
 *      │ ▲                                        lets finish what it has
 *      └─┘ report: results out, attempts in
 *
 * - It starts with its first attempts in hand, and keeps a buffer of short ones,
 *   so that a freed slot is refilled without a round trip.
 * - At most one report is in flight; results that finish meanwhile, or while
 *   there is time, go together in the next one.
 * - With free slots it asks again, less and less often, as long as more may come
 *   (`listen`); otherwise it closes: an idle pool makes no calls.
 * - While it drives the loop (`loop/drive.ts`), it reports at the rhythm it is told.
 * - It begins works in the order of their positions, and none at or beyond the
 *   position that its last report named (`beginsBefore`): so everybody knows which
 *   of its works were never begun, should it die.
 * - It gives back what it cannot begin soon: what is buffered behind long works,
 *   what its remaining life does not cover (`lifetime.ts`).
 * - It throws only when reporting has failed for long: then recovery takes over.
 *
 * Here is the loop that decides its steps (`step.ts`). What it has is in `held.ts`, how it
 * runs that in `slots.ts`, and what it has still to report in `unreported.ts`.
 */
import { type Infer, v } from "convex/values";
import { type ActionCtx, internalAction } from "../_generated/server.js";
import { logLevelFromEnv } from "../env.js";
import { vAttempt } from "../loop/attempt.js";
import { beginsAhead, bufferSize, worksPerSlot } from "./ahead.js";
import { Bell } from "./bell.js";
import { acceptsFor } from "./lifetime.js";
import { ExecutorLog } from "./log.js";
import { isFull, MAX_HELD_BYTES, widthForResults } from "./memory.js";
import type { ReportReply } from "./protocol.js";
import { mightBegin } from "../loop/drive.js";
import { Reporter } from "./reporter.js";
import { Slots } from "./slots.js";
import { decideStep, type Situation } from "./step.js";

const vStart = v.object({
  executorId: v.id("executor"),
  incarnation: v.number(),
  attempts: v.array(vAttempt),
  width: v.number(),
  /** How many of its slots may have mutations and queries. Absent: all. */
  transactions: v.optional(v.number()),
  listener: v.boolean(),
  /** It takes nothing beyond what it is started with. */
  closed: v.boolean(),
  /** It drives the loop, and reports so often. Null: it does not. */
  pollMs: v.union(v.number(), v.null()),
  /** It was opened for long works: see `lifetime.ts`. */
  long: v.optional(v.boolean()),
});

export const run = internalAction({
  args: vStart,
  returns: v.null(),
  handler: async (ctx, start) => {
    await new Executor(ctx, start).run();
    return null;
  },
});

class Executor {
  private readonly startedAt = Date.now();
  private readonly bell = new Bell();
  private readonly log = new ExecutorLog(logLevelFromEnv());
  private readonly slots: Slots;
  private readonly reporter: Reporter;
  /** What the last reply said. */
  private known: Pick<ReportReply, "listen" | "listener" | "closed" | "pollMs">;
  private readonly long: boolean;
  private readonly acceptMs: number;
  private closing = false;
  private lastReportAt = this.startedAt;
  /** Reports in a row that brought nothing and took nothing. */
  private fruitless = 0;

  constructor(ctx: ActionCtx, start: Infer<typeof vStart>) {
    const { width, transactions, listener, closed, pollMs, long } = start;
    this.known = { listener, closed, pollMs, listen: !closed };
    this.long = long === true;
    this.acceptMs = acceptsFor(this.long, Math.random());
    const onEnd = () => this.bell.ring();
    this.slots = new Slots(ctx, this.log, this.startedAt, onEnd);
    this.reporter = new Reporter(
      ctx,
      start.executorId,
      start.incarnation,
      this.log,
      (beganAt) => this.slots.refused("transaction", beganAt),
    );
    this.slots.take(start.attempts, width, transactions);
  }

  async run(): Promise<void> {
    try {
      await this.untilDone();
    } finally {
      // Given up, by others or by itself: what it has not begun runs elsewhere.
      this.slots.held.takeBuffer(0);
      this.log.end();
    }
  }

  private async untilDone(): Promise<void> {
    for (;;) {
      const step = decideStep(this.situation(Date.now()));
      this.closing = step.closing;
      if (step.kind === "wait") {
        await this.bell.wait(step.ms);
        // What was halved may have risen.
        this.slots.fill();
        continue;
      }
      if (step.kind === "giveBack") {
        // What takes so long now says nothing good about what comes next.
        this.slots.durations.forget();
        this.slots.giveBack(0);
        continue;
      }
      const reply = await this.report();
      if (reply.logLevel) this.log.setLevel(reply.logLevel);
      if (reply.done) return;
      this.known = reply;
      this.slots.take(reply.next, reply.width, reply.transactions);
    }
  }

  private situation(now: number): Situation {
    const { held, unreported, durations, width, blocked, permits } = this.slots;
    return {
      ...this.known,
      width,
      long: this.long,
      running: held.running,
      buffered: held.buffered,
      unreported: unreported.count,
      oldestUnreportedMs: unreported.oldestMs(now),
      awaited: unreported.awaited,
      mean: durations.mean,
      closing: this.closing,
      blocked,
      untilRiseMs: permits.untilRise(now),
      memoryFull: isFull(MAX_HELD_BYTES - held.bytes),
      standsStillMs: now - held.lastMoveAt,
      outOfTime: now - this.startedAt > this.acceptMs,
      sinceReportMs: now - this.lastReportAt,
      fruitless: this.fruitless,
    };
  }

  private async report(): Promise<ReportReply> {
    const { held, unreported, durations, resultSizes, permits } = this.slots;
    const { width, reach } = this.slots;
    const { results, awaited } = unreported.takeBatch(this.reporter.batch);
    const useful = widthForResults(width, resultSizes.mean);
    const ahead = bufferSize(useful, durations.mean);
    const free = Math.max(0, reach - held.running);
    const takesMs = durations.guess(Date.now() - this.startedAt);
    const inDoubt = beginsAhead(reach, takesMs);
    const beginsBefore = held.firstNotBegun + free + inDoubt;
    // From here on either bound may be the one that is known.
    held.beginsBefore = Math.min(held.beginsBefore, beginsBefore);
    const reply = await this.reporter.report(
      results,
      {
        holding: [...held.positions, ...unreported.positions],
        want: Math.max(0, useful + ahead - held.count),
        wantBytes: Math.max(0, MAX_HELD_BYTES - held.bytes),
        worksPerSlot: worksPerSlot(durations.mean),
        beginsBefore,
        halved: permits.halved,
        closing: this.closing,
        mayDrive: this.known.pollMs !== null || mightBegin(held.count, width),
      },
      awaited,
    );
    held.beginsBefore = beginsBefore;
    this.lastReportAt = Date.now();
    this.fruitless =
      results.length + reply.next.length > 0 ? 0 : this.fruitless + 1;
    return reply;
  }
}

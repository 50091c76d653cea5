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
 * - It throws only when reporting has failed for long: then recovery takes over.
 */
import { type Infer, v } from "convex/values";
import { type ActionCtx, internalAction } from "../_generated/server.js";
import { MINUTE } from "../shared.js";
import { bufferSize, Durations, worksPerSlot } from "./ahead.js";
import { resultBytes, runAttempt } from "./attempt.js";
import { Bell } from "./bell.js";
import {
  type Attempt,
  type AttemptResult,
  type ReportReply,
  vAttempt,
} from "./protocol.js";
import { mayBegin } from "../loop/drive.js";
import { Reporter } from "./reporter.js";
import { decideStep, MAX_RESULTS } from "./step.js";

/** Actions end after ten minutes on the strictest platform: no transaction is tried again after this. */
const RETRY_UNTIL_MS = 9 * MINUTE;

/** Arguments held at a time: an action has 64 MB, and values take several times their size. */
const MAX_HELD_BYTES = 8_000_000;
const MAX_RESULT_BYTES = 3_000_000;

const vStart = v.object({
  executorId: v.id("executor"),
  incarnation: v.number(),
  attempts: v.array(vAttempt),
  width: v.number(),
  listener: v.boolean(),
  /** It takes nothing beyond what it is started with. */
  closed: v.boolean(),
  /** It drives the loop, and reports so often. Null: it does not. */
  pollMs: v.union(v.number(), v.null()),
});

export const run = internalAction({
  args: vStart,
  returns: v.null(),
  handler: async (ctx, start) => {
    await new Executor(ctx, start).run();
    return null;
  },
});

type Unreported = { result: AttemptResult; since: number };

class Executor {
  private readonly startedAt = Date.now();
  private readonly running = new Map<number, Attempt>();
  private buffer: Attempt[] = [];
  private unreported: Unreported[] = [];
  private readonly bell = new Bell();
  private readonly reporter: Reporter;
  /** What the last reply said. */
  private known: Pick<
    ReportReply,
    "width" | "listen" | "listener" | "closed" | "pollMs"
  >;
  private readonly durations = new Durations();
  private closing = false;
  private lastReportAt = this.startedAt;
  /** Reports in a row that brought nothing and took nothing. */
  private fruitless = 0;

  constructor(
    private readonly ctx: ActionCtx,
    start: Infer<typeof vStart>,
  ) {
    const { width, listener, closed, pollMs } = start;
    this.known = { width, listener, closed, pollMs, listen: !closed };
    this.reporter = new Reporter(ctx, start.executorId, start.incarnation);
    this.take(start.attempts);
  }

  async run(): Promise<void> {
    try {
      await this.untilDone();
    } finally {
      // Given up, by others or by itself: what it has not begun runs elsewhere.
      this.buffer = [];
    }
  }

  private async untilDone(): Promise<void> {
    for (;;) {
      const now = Date.now();
      const step = decideStep({
        ...this.known,
        running: this.running.size,
        buffered: this.buffer.length,
        unreported: this.unreported.length,
        oldestUnreportedMs: now - (this.unreported[0]?.since ?? now),
        mean: this.durations.mean,
        closing: this.closing,
        age: now - this.startedAt,
        sinceReportMs: now - this.lastReportAt,
        fruitless: this.fruitless,
      });
      this.closing = step.closing;
      if (step.kind === "wait") {
        await this.bell.wait(step.ms);
        continue;
      }
      const reply = await this.report();
      if (reply.done) return;
      const widthBefore = this.known.width;
      this.known = reply;
      this.take(reply.next);
      this.giveBackExcess(widthBefore);
    }
  }

  private async report(): Promise<ReportReply> {
    const results = takeBatch(this.unreported);
    let bytes = 0;
    for (const { size } of this.held()) bytes += size;
    const { width } = this.known;
    const target = width + bufferSize(width, this.durations.mean);
    const reply = await this.reporter.report(results, {
      holding: [
        ...this.held().map(({ position }) => position),
        ...this.unreported.map(({ result }) => result.position),
      ],
      want: Math.max(0, target - this.held().length),
      wantBytes: Math.max(0, MAX_HELD_BYTES - bytes),
      worksPerSlot: worksPerSlot(this.durations.mean),
      closing: this.closing,
      mayDrive: this.mayDrive(),
    });
    this.lastReportAt = Date.now();
    this.fruitless =
      results.length + reply.next.length > 0 ? 0 : this.fruitless + 1;
    return reply;
  }

  private mayDrive(): boolean {
    const { width, pollMs } = this.known;
    return pollMs !== null || mayBegin(this.held().length, width);
  }

  private held(): Attempt[] {
    return [...this.running.values(), ...this.buffer];
  }

  private take(attempts: readonly Attempt[]): void {
    this.buffer.push(...attempts);
    this.fill();
  }

  /** Begins what is in the buffer, as far as there are slots. */
  private fill(): void {
    while (this.running.size < this.known.width) {
      const attempt = this.buffer.shift();
      if (!attempt) return;
      this.running.set(attempt.position, attempt);
      void this.runToEnd(attempt);
    }
  }

  private async runToEnd(attempt: Attempt): Promise<void> {
    const result = await runAttempt(
      this.ctx,
      attempt,
      this.startedAt + RETRY_UNTIL_MS,
    );
    const now = Date.now();
    this.durations.add(now - result.startedAt);
    this.running.delete(attempt.position);
    this.unreported.push({ result, since: now });
    this.fill();
    this.bell.ring();
  }

  /** Under a narrower lease the buffer would take long to come to its turn: others shall have it. */
  private giveBackExcess(widthBefore: number): void {
    const { width } = this.known;
    if (width >= widthBefore) return;
    const keep = width > 0 ? bufferSize(width, this.durations.mean) : 0;
    const now = Date.now();
    for (const attempt of this.buffer.splice(keep)) this.giveBack(attempt, now);
  }

  private giveBack(attempt: Attempt, now: number): void {
    const { position, workId, fence } = attempt;
    this.unreported.push({
      result: {
        position,
        workId,
        fence,
        startedAt: now,
        outcome: { kind: "returned" },
      },
      since: now,
    });
  }
}

/** As many results as go into one report. */
export function takeBatch(unreported: Unreported[]): AttemptResult[] {
  let bytes = 0;
  let count = 0;
  for (const { result } of unreported) {
    bytes += resultBytes(result);
    if (count > 0 && (bytes > MAX_RESULT_BYTES || count >= MAX_RESULTS)) break;
    count += 1;
  }
  return unreported.splice(0, count).map(({ result }) => result);
}

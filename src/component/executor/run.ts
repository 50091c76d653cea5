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
 */
import { type Infer, v } from "convex/values";
import { type ActionCtx, internalAction } from "../_generated/server.js";
import { logLevelFromEnv } from "../env.js";
import { beginsAhead, bufferSize, Durations, worksPerSlot } from "./ahead.js";
import { resultBytes, runAttempt } from "./attempt.js";
import { Bell } from "./bell.js";
import { ExecutorLog } from "./log.js";
import { acceptsFor, mayBegin, RETRY_UNTIL_MS } from "./lifetime.js";
import {
  isFull,
  MAX_HELD_BYTES,
  MAX_REPORT_BYTES,
  mayBeginMore,
  ResultSizes,
  widthForResults,
} from "./memory.js";
import { type Attempt, vAttempt } from "../loop/attempt.js";
import { type AttemptResult, type ReportReply } from "./protocol.js";
import { mayBegin as mayBeginToDrive } from "../loop/drive.js";
import { Reporter } from "./reporter.js";
import { decideStep, type Situation } from "./step.js";

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

type Unreported = { result: AttemptResult; since: number; bytes: number };

class Executor {
  private readonly startedAt = Date.now();
  private readonly running = new Map<number, Attempt>();
  private buffer: Attempt[] = [];
  private unreported: Unreported[] = [];
  private readonly bell = new Bell();
  private readonly log = new ExecutorLog(logLevelFromEnv());
  private readonly reporter: Reporter;
  /** What the last reply said. */
  private known: Pick<
    ReportReply,
    "width" | "listen" | "listener" | "closed" | "pollMs"
  >;
  private readonly durations = new Durations();
  private readonly resultSizes = new ResultSizes();
  private readonly long: boolean;
  private readonly acceptMs: number;
  private closing = false;
  private lastReportAt = this.startedAt;
  /** When a work last came, began or ended. */
  private lastMoveAt = this.startedAt;
  /** Nothing at or beyond this position begins before the next reply. */
  private beginsBefore = Infinity;
  /** Of what it was given so far: the first position beyond. */
  private nextPosition = 0;
  /** Reports in a row that brought nothing and took nothing. */
  private fruitless = 0;

  constructor(
    private readonly ctx: ActionCtx,
    start: Infer<typeof vStart>,
  ) {
    const { width, listener, closed, pollMs, long } = start;
    this.known = { width, listener, closed, pollMs, listen: !closed };
    this.long = long === true;
    this.acceptMs = acceptsFor(this.long, Math.random());
    this.reporter = new Reporter(
      ctx,
      start.executorId,
      start.incarnation,
      this.log,
    );
    this.take(start.attempts);
  }

  async run(): Promise<void> {
    try {
      await this.untilDone();
    } finally {
      // Given up, by others or by itself: what it has not begun runs elsewhere.
      this.buffer = [];
      this.log.end();
    }
  }

  private async untilDone(): Promise<void> {
    for (;;) {
      const now = Date.now();
      const step = decideStep({
        ...this.known,
        long: this.long,
        running: this.running.size,
        buffered: this.buffer.length,
        unreported: this.unreported.length,
        oldestUnreportedMs: now - (this.unreported[0]?.since ?? now),
        mean: this.durations.mean,
        closing: this.closing,
        blocked: this.blocked(),
        memoryFull: isFull(MAX_HELD_BYTES - this.heldBytes()),
        standsStillMs: now - this.lastMoveAt,
        outOfTime: now - this.startedAt > this.acceptMs,
        sinceReportMs: now - this.lastReportAt,
        fruitless: this.fruitless,
      });
      this.closing = step.closing;
      if (step.kind === "wait") {
        await this.bell.wait(step.ms);
        continue;
      }
      if (step.kind === "giveBack") {
        // What takes so long now says nothing good about what comes next.
        this.durations.forget();
        this.giveBackFrom(0);
        continue;
      }
      const reply = await this.report();
      if (reply.logLevel) this.log.setLevel(reply.logLevel);
      if (reply.done) return;
      const widthBefore = this.known.width;
      this.known = reply;
      this.take(reply.next);
      this.giveBackExcess(widthBefore);
    }
  }

  private async report(): Promise<ReportReply> {
    const results = takeBatch(this.unreported, this.reporter.batchSize);
    const width = widthForResults(this.known.width, this.resultSizes.mean);
    const ahead = bufferSize(width, this.durations.mean);
    const now = Date.now();
    const free = Math.max(0, this.known.width - this.running.size);
    const takesMs = this.durations.guess(now - this.startedAt);
    const inDoubt = beginsAhead(this.known.width, takesMs);
    const beginsBefore = this.firstNotBegun() + free + inDoubt;
    // From here on either bound may be the one that is known.
    this.beginsBefore = Math.min(this.beginsBefore, beginsBefore);
    const reply = await this.reporter.report(results, {
      holding: [
        ...this.held().map(({ position }) => position),
        ...this.unreported.map(({ result }) => result.position),
      ],
      want: Math.max(0, width + ahead - this.held().length),
      wantBytes: Math.max(0, MAX_HELD_BYTES - this.heldBytes()),
      worksPerSlot: worksPerSlot(this.durations.mean),
      beginsBefore,
      closing: this.closing,
      mayDrive: this.mayDrive(),
    });
    this.beginsBefore = beginsBefore;
    this.lastReportAt = Date.now();
    this.fruitless =
      results.length + reply.next.length > 0 ? 0 : this.fruitless + 1;
    return reply;
  }

  private mayDrive(): boolean {
    const { width, pollMs } = this.known;
    return pollMs !== null || mayBeginToDrive(this.held().length, width);
  }

  private held(): Attempt[] {
    return [...this.running.values(), ...this.buffer];
  }

  private heldBytes(): number {
    return this.held().reduce((sum, { size }) => sum + size, 0);
  }

  private firstNotBegun(): number {
    return this.buffer[0]?.position ?? this.nextPosition;
  }

  private take(attempts: readonly Attempt[]): void {
    this.buffer.push(...attempts);
    const last = attempts.at(-1);
    if (last) {
      this.nextPosition = Math.max(this.nextPosition, last.position + 1);
      this.lastMoveAt = Date.now();
    }
    this.fill();
  }

  /** Begins what is in the buffer, as far as there are slots. */
  private fill(): void {
    while (this.running.size < this.known.width && !this.blocked()) {
      const attempt = this.buffer.shift();
      if (!attempt) return;
      const now = Date.now();
      if (!mayBegin(now - this.startedAt, attempt.timeoutMs)) {
        this.giveBack(attempt, now, true);
        continue;
      }
      this.lastMoveAt = now;
      this.running.set(attempt.position, attempt);
      void this.runToEnd(attempt);
    }
  }

  /** Why the next work may not begin now, slots left aside. */
  private blocked(): Situation["blocked"] {
    const [next] = this.buffer;
    if (!next) return null;
    if (next.position >= this.beginsBefore) return "position";
    return mayBeginMore(
      this.running.size,
      this.unreportedBytes(),
      this.resultSizes.mean,
    )
      ? null
      : "memory";
  }

  private unreportedBytes(): number {
    return this.unreported.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  private async runToEnd(attempt: Attempt): Promise<void> {
    const result = await runAttempt(
      this.ctx,
      attempt,
      this.startedAt + RETRY_UNTIL_MS,
      this.log,
    );
    const now = Date.now();
    const bytes = resultBytes(result);
    this.durations.add(now - result.startedAt);
    this.resultSizes.add(bytes);
    this.lastMoveAt = now;
    this.running.delete(attempt.position);
    // The end of a work deletes its arguments, and a deletion reads.
    this.unreported.push({ result, since: now, bytes: bytes + attempt.size });
    this.fill();
    this.bell.ring();
  }

  /** Under a narrower lease the buffer would take long to come to its turn: others shall have it. */
  private giveBackExcess(widthBefore: number): void {
    const { width } = this.known;
    if (width >= widthBefore) return;
    this.giveBackFrom(width > 0 ? bufferSize(width, this.durations.mean) : 0);
  }

  /** All of the buffer but the first `keep`. */
  private giveBackFrom(keep: number): void {
    const now = Date.now();
    for (const attempt of this.buffer.splice(keep)) this.giveBack(attempt, now);
  }

  private giveBack(attempt: Attempt, now: number, tooOld = false): void {
    const { position, workId, fence } = attempt;
    this.unreported.push({
      result: {
        position,
        workId,
        fence,
        startedAt: now,
        outcome: { kind: "returned", ...(tooOld ? { tooOld } : {}) },
      },
      since: now,
      bytes: 0,
    });
  }
}

/** As many results as go into one report. */
export function takeBatch(
  unreported: Unreported[],
  most: number,
): AttemptResult[] {
  let bytes = 0;
  let count = 0;
  for (const each of unreported) {
    bytes += each.bytes;
    if (count > 0 && (bytes > MAX_REPORT_BYTES || count >= most)) break;
    count += 1;
  }
  return unreported.splice(0, count).map(({ result }) => result);
}

/**
 * Where attempts run. Slots are filled from the buffer, in the order of positions, as far
 * as the lease, the class (`permits.ts`), the last report (`beginsBefore`), memory (`memory.ts`) and
 * the executor's age (`lifetime.ts`) allow; and whenever an attempt ends, the next begins at once.
 * One that takes too long may keep its slot after it has failed (`timeouts.ts`).
 */
import type { ActionCtx } from "../_generated/server.js";
import type { Attempt } from "../loop/attempt.js";
import { bufferSize, Durations } from "./ahead.js";
import { resultBytes, runAttempt } from "./attempt.js";
import { Held } from "./held.js";
import { mayBegin, RETRY_UNTIL_MS } from "./lifetime.js";
import type { ExecutorLog } from "./log.js";
import { mayBeginMore, ResultSizes } from "./memory.js";
import { type CallKind, kindOf, Permits } from "./permits.js";
import { sleep } from "./sleep.js";
import type { AttemptResult } from "./protocol.js";
import type { Situation } from "./step.js";
import { overNow, releases, timedOut, timeLimit, within } from "./timeouts.js";
import { Unreported } from "./unreported.js";

export class Slots {
  readonly held: Held;
  readonly unreported = new Unreported();
  readonly durations = new Durations();
  readonly resultSizes = new ResultSizes();
  readonly permits = new Permits();
  /** How many handlers may be in flight here: as the last lease says. */
  width = 0;

  /** @param onEnd - Called after an attempt has ended, or makes room for another. */
  constructor(
    private readonly ctx: ActionCtx,
    private readonly log: ExecutorLog,
    private readonly startedAt: number,
    private readonly onEnd: () => void,
  ) {
    this.held = new Held(startedAt);
  }

  /** Takes attempts over, under a lease of this width with so many transactions, and begins what may begin. */
  take(
    attempts: readonly Attempt[],
    width: number,
    transactions?: number,
  ): void {
    const before = this.width;
    this.width = width;
    this.permits.lease(width, transactions);
    this.held.add(attempts, Date.now());
    this.fill();
    if (width >= before) return;
    // Under a narrower lease the buffer would take long to come to its turn: others shall have it.
    this.giveBack(width > 0 ? bufferSize(width, this.durations.mean) : 0);
  }

  /** Why the next work may not begin now, slots left aside. */
  get blocked(): Situation["blocked"] {
    const { next, beginsBefore, running } = this.held;
    if (!next) return null;
    const { width, permits } = this;
    if (running < width && !permits.hasRoom(kindOf(next.fnType))) {
      return "class";
    }
    if (next.position >= beginsBefore) return "position";
    return mayBeginMore(running, this.unreported.bytes, this.resultSizes.mean)
      ? null
      : "memory";
  }

  /** How many handlers can be in flight now: fewer than the lease has room for while the class has none for the next. */
  get reach(): number {
    return this.blocked === "class" ? this.held.running : this.width;
  }

  /** The platform refused a call of this kind that began at `beganAt`. */
  refused(kind: CallKind, beganAt: number): void {
    const most = this.permits.refused(kind, beganAt, Date.now());
    if (most !== null) this.log.halved(kind, most);
  }

  /** Gives all of the buffer back but the first `keep`. */
  giveBack(keep: number): void {
    const now = Date.now();
    for (const attempt of this.held.takeBuffer(keep)) {
      this.unreported.addReturned(attempt, now);
    }
  }

  /** Begins what is in the buffer, as far as there are slots. */
  fill(): void {
    for (const kind of this.permits.rise(Date.now())) {
      this.log.halvingOver(kind);
    }
    while (this.held.running < this.width && !this.blocked) {
      const attempt = this.held.takeNext();
      if (!attempt) return;
      const now = Date.now();
      if (!mayBegin(now - this.startedAt, attempt.timeoutMs)) {
        this.unreported.addReturned(attempt, now, true);
        continue;
      }
      if (now >= (attempt.startBy ?? Infinity)) {
        this.unreported.addReturned(attempt, now);
        continue;
      }
      this.held.begin(attempt, now);
      void this.runToEnd(attempt);
    }
  }

  private async runToEnd(attempt: Attempt): Promise<void> {
    const kind = kindOf(attempt.fnType);
    const startedAt = Date.now();
    this.permits.begin(kind);
    const handler = runAttempt(
      this.ctx,
      attempt,
      this.startedAt + RETRY_UNTIL_MS,
      this.log,
      {
        refused: (beganAt) => this.refused(kind, beganAt),
        withoutIt: (ms) => this.withoutPermit(kind, ms),
      },
    );
    const result = await within(handler, timeLimit(attempt));
    if (result) {
      this.permits.end(kind);
      this.free(attempt, result);
      return;
    }
    const failure = timedOut(attempt, startedAt);
    if (releases(attempt)) this.free(attempt, failure);
    else this.report(attempt, failure);
    await handler;
    this.permits.end(kind);
    if (releases(attempt)) this.goOn();
    else this.free(attempt, overNow(attempt, startedAt));
  }

  /** The attempt gives its slot on. */
  private free(attempt: Attempt, result: AttemptResult): void {
    const now = Date.now();
    this.durations.add(now - result.startedAt);
    this.held.end(attempt, now);
    this.report(attempt, result);
  }

  private report(attempt: Attempt, result: AttemptResult): void {
    const bytes = resultBytes(result);
    const isNews = result.outcome.kind !== "over";
    if (isNews) this.resultSizes.add(bytes);
    // The end of a work deletes its arguments, and a deletion reads.
    const { size, awaited } = attempt;
    const inReport = isNews ? bytes + size : bytes;
    this.unreported.add(result, inReport, Date.now(), isNews && awaited);
    this.goOn();
  }

  private goOn(): void {
    this.fill();
    this.onEnd();
  }

  private async withoutPermit(kind: CallKind, ms: number): Promise<void> {
    this.permits.end(kind);
    this.goOn();
    await sleep(ms);
    this.permits.begin(kind);
  }
}

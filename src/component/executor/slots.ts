/**
 * Where attempts run. Slots are filled from the buffer, in the order of positions, as far
 * as the lease, the class (`permits.ts`), the last report (`beginsBefore`), memory (`memory.ts`) and
 * the executor's age (`lifetime.ts`) allow; and whenever an attempt ends, the next begins at once.
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
import type { Situation } from "./step.js";
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
      this.held.begin(attempt, now);
      void this.runToEnd(attempt);
    }
  }

  private async runToEnd(attempt: Attempt): Promise<void> {
    const kind = kindOf(attempt.fnType);
    this.permits.begin(kind);
    const result = await runAttempt(
      this.ctx,
      attempt,
      this.startedAt + RETRY_UNTIL_MS,
      this.log,
      {
        refused: (beganAt) => this.refused(kind, beganAt),
        withoutIt: (ms) => this.withoutPermit(kind, ms),
      },
    );
    this.permits.end(kind);
    const now = Date.now();
    const bytes = resultBytes(result);
    this.durations.add(now - result.startedAt);
    this.resultSizes.add(bytes);
    this.held.end(attempt, now);
    // The end of a work deletes its arguments, and a deletion reads.
    const { size, awaited } = attempt;
    this.unreported.add(result, bytes + size, now, awaited);
    this.fill();
    this.onEnd();
  }

  private async withoutPermit(kind: CallKind, ms: number): Promise<void> {
    this.permits.end(kind);
    this.fill();
    this.onEnd();
    await sleep(ms);
    this.permits.begin(kind);
  }
}

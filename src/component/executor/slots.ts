/**
 * Where attempts run. Slots are filled from the buffer, in the order of positions, as far
 * as the lease, the last report (`beginsBefore`), memory (`memory.ts`) and the executor's
 * age (`lifetime.ts`) allow; and whenever an attempt ends, the next begins at once.
 */
import type { ActionCtx } from "../_generated/server.js";
import type { Attempt } from "../loop/attempt.js";
import { bufferSize, Durations } from "./ahead.js";
import { resultBytes, runAttempt } from "./attempt.js";
import { Held } from "./held.js";
import { mayBegin, RETRY_UNTIL_MS } from "./lifetime.js";
import type { ExecutorLog } from "./log.js";
import { mayBeginMore, ResultSizes } from "./memory.js";
import type { Situation } from "./step.js";
import { Unreported } from "./unreported.js";

export class Slots {
  readonly held: Held;
  readonly unreported = new Unreported();
  readonly durations = new Durations();
  readonly resultSizes = new ResultSizes();
  /** How many handlers may be in flight here: as the last lease says. */
  width = 0;

  /** @param onEnd - Called after an attempt has ended. */
  constructor(
    private readonly ctx: ActionCtx,
    private readonly log: ExecutorLog,
    private readonly startedAt: number,
    private readonly onEnd: () => void,
  ) {
    this.held = new Held(startedAt);
  }

  /** Takes attempts over, under a lease of this width, and begins what may begin. */
  take(attempts: readonly Attempt[], width: number): void {
    const before = this.width;
    this.width = width;
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
    if (next.position >= beginsBefore) return "position";
    return mayBeginMore(running, this.unreported.bytes, this.resultSizes.mean)
      ? null
      : "memory";
  }

  /** Gives all of the buffer back but the first `keep`. */
  giveBack(keep: number): void {
    const now = Date.now();
    for (const attempt of this.held.takeBuffer(keep)) {
      this.unreported.addReturned(attempt, now);
    }
  }

  /** Begins what is in the buffer, as far as there are slots. */
  private fill(): void {
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
    this.held.end(attempt, now);
    // The end of a work deletes its arguments, and a deletion reads.
    const { size, awaited } = attempt;
    this.unreported.add(result, bytes + size, now, awaited);
    this.fill();
    this.onEnd();
  }
}

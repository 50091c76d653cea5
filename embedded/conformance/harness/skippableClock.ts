/**
 * The machine's time, with the possibility of skipping some of it: what was due in
 * between happens at once, in its order. For what lasts an hour.
 */
import { WallClock } from "../../src/clock.js";
import type { Timer } from "../../src/seams.js";

interface Pending {
  due: number;
  fn: () => void;
  timer: Timer;
}

export class SkippableClock extends WallClock {
  private skippedMs = 0;
  private readonly pending = new Set<Pending>();

  override nowNs(): bigint {
    return super.nowNs() + BigInt(this.skippedMs) * 1_000_000n;
  }

  override schedule(ms: number, fn: () => void): Timer {
    // At once is at once, whatever is skipped.
    if (ms <= 0) return super.schedule(ms, fn);
    const pending: Pending = {
      due: this.now() + ms,
      fn,
      timer: { cancel() {} },
    };
    this.arm(pending);
    return {
      cancel: () => {
        pending.timer.cancel();
        this.pending.delete(pending);
      },
    };
  }

  skip(ms: number): void {
    this.skippedMs += ms;
    const all = [...this.pending].sort((a, b) => a.due - b.due);
    for (const pending of all) {
      pending.timer.cancel();
      this.arm(pending);
    }
  }

  private arm(pending: Pending): void {
    this.pending.add(pending);
    pending.timer = super.schedule(pending.due - this.now(), () => {
      this.pending.delete(pending);
      pending.fn();
    });
  }
}

/**
 * The machine's time, with the possibility of skipping some of it: what was due in
 * between happens at once, in its order. For what lasts an hour.
 *
 * Time is skipped only while nothing is under way: a transaction that is open for an
 * hour would have lost its snapshot. Whatever runs takes turns through the clock, so it
 * is known by the turns that are waited for.
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
  private turns = 0;

  override nowNs(): bigint {
    return super.nowNs() + BigInt(this.skippedMs) * 1_000_000n;
  }

  override schedule(ms: number, fn: () => void): Timer {
    if (ms <= 0) return this.turn(fn);
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

  async skip(ms: number): Promise<void> {
    await this.quiet();
    this.skippedMs += ms;
    const all = [...this.pending].sort((a, b) => a.due - b.due);
    for (const pending of all) {
      pending.timer.cancel();
      this.arm(pending);
    }
  }

  /** At once is at once, whatever is skipped. */
  private turn(fn: () => void): Timer {
    this.turns++;
    let over = false;
    const end = () => {
      if (!over) this.turns--;
      over = true;
    };
    const timer = super.schedule(0, () => {
      end();
      fn();
    });
    return {
      cancel: () => {
        end();
        timer.cancel();
      },
    };
  }

  private async quiet(): Promise<void> {
    for (let still = 0; still < 3; still++) {
      // A round of the loop in which sockets are read as well.
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (this.turns > 0) still = -1;
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

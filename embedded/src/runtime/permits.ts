/** First-come-first-served permits: how many functions of a kind run at once. */
import type { Clock, Timer } from "../seams.js";
import { SystemError } from "./errors.js";

interface Waiter {
  grant(): void;
}

export class Permits {
  private inUse = 0;
  private readonly waiting: Waiter[] = [];

  constructor(
    private readonly clock: Clock,
    private readonly total: number,
    /** "query", "mutation", "action": for the message of a refusal. */
    private readonly kind: string,
  ) {}

  /** Waits for a permit, at most `maxWaitMs` (null: without limit). Returns its release. */
  async acquire(maxWaitMs: number | null): Promise<() => void> {
    if (this.inUse < this.total) {
      this.inUse++;
    } else {
      await this.wait(maxWaitMs);
    }
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.release();
    };
  }

  private wait(maxWaitMs: number | null): Promise<void> {
    return new Promise((resolve, reject) => {
      let timer: Timer | null = null;
      const waiter: Waiter = {
        grant: () => {
          timer?.cancel();
          resolve();
        },
      };
      this.waiting.push(waiter);
      if (maxWaitMs === null) return;
      timer = this.clock.schedule(maxWaitMs, () => {
        const index = this.waiting.indexOf(waiter);
        if (index === -1) return;
        this.waiting.splice(index, 1);
        reject(
          new SystemError(
            "TooManyConcurrentRequests",
            `Too many concurrent requests. Your backend is limited to ${this.total} concurrent ${this.kind}s. To get more resources, upgrade to Convex Pro. If you are already on Convex Pro, please contact support.`,
          ),
        );
      });
    });
  }

  /** A freed permit goes straight to the one who has waited longest. */
  private release(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.inUse--;
    else next.grant();
  }
}

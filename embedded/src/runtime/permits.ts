/** First-come-first-served permits: how many functions of a kind run at once. */
import type { Clock, Timer } from "../seams.js";
import { SystemError } from "./errors.js";
import type { Life } from "./life.js";

/** Whoever has more than this is on a paid plan already. */
const FREE_CONCURRENCY = 16;

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

  /**
   * Waits for a permit, at most `maxWaitMs` (null: without limit) and no longer
   * than its caller lives. Returns its release.
   */
  async acquire(
    maxWaitMs: number | null,
    caller: Life | null = null,
  ): Promise<() => void> {
    caller?.assertAlive();
    if (this.inUse < this.total) {
      this.inUse++;
    } else {
      await this.wait(maxWaitMs, caller);
    }
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.release();
    };
  }

  private wait(maxWaitMs: number | null, caller: Life | null): Promise<void> {
    return new Promise((resolve, reject) => {
      let timer: Timer | null = null;
      let partFromCaller: (() => void) | null = null;
      const stopWaiting = () => {
        timer?.cancel();
        partFromCaller?.();
      };
      const waiter: Waiter = {
        grant: () => {
          stopWaiting();
          resolve();
        },
      };
      const leave = (why: Error) => {
        stopWaiting();
        this.waiting.splice(this.waiting.indexOf(waiter), 1);
        reject(why);
      };
      this.waiting.push(waiter);
      partFromCaller = caller?.onEnd(leave) ?? null;
      if (maxWaitMs === null) return;
      timer = this.clock.schedule(maxWaitMs, () =>
        leave(new SystemError("TooManyConcurrentRequests", this.refusal())),
      );
    });
  }

  private refusal(): string {
    const more =
      this.total > FREE_CONCURRENCY
        ? "If you need more resources, please contact support."
        : "To get more resources, upgrade to Convex Pro. If you are already on Convex Pro, please contact support.";
    return `Too many concurrent requests. Your backend is limited to ${this.total} concurrent ${this.kind}s. ${more}`;
  }

  /** A freed permit goes straight to the one who has waited longest. */
  private release(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.inUse--;
    else next.grant();
  }
}

/**
 * The machine's time, but a wait of exactly {@link HOLD} lasts until it is released.
 * With it as the latency of one mutation, that mutation stays between its begin and its
 * first read or write for as long as a case wants, whatever the machine is busy with.
 */
import { WallClock } from "../../src/clock.js";

/** Longer than anything else that is waited for. */
export const HOLD = 123_456_789;

export class HoldingClock extends WallClock {
  private readonly waiting: (() => void)[] = [];
  private readonly watchers: (() => void)[] = [];

  override sleep(ms: number): Promise<void> {
    if (ms !== HOLD) return super.sleep(ms);
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      for (const watcher of this.watchers.splice(0)) watcher();
    });
  }

  /** Resolves once something is held. */
  async held(): Promise<void> {
    while (this.waiting.length === 0) {
      await new Promise<void>((resolve) => this.watchers.push(resolve));
    }
  }

  /** Lets the one go on that has been held longest. */
  release(): void {
    const next = this.waiting.shift();
    if (next === undefined) throw new Error("Nothing is held.");
    next();
  }
}

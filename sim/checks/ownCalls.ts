/** The app's own mutations beside the only pool: none is refused, and they take about as long as alone. */
import type { Violate } from "./check.js";

const REFUSED = /Too many concurrent|TooManyConcurrent/;
/** Alone it is some 15 ms, and more where several come at once. */
const MEAN_MS = 100;
const MIN_COUNT = 5;

export class OwnCalls {
  private count = 0;
  private sumMs = 0;

  constructor(
    private readonly violate: Violate,
    /** All latencies are multiplied by this. */
    private readonly pace: number,
  ) {}

  answered(name: string, ms: number, error: string | null): void {
    if (error !== null && REFUSED.test(error)) {
      this.violate("a call of the app's own was refused", `${name}: ${error}`);
    }
    this.count += 1;
    this.sumMs += ms;
  }

  end(): void {
    const mean = this.sumMs / Math.max(1, this.count);
    const most = MEAN_MS * Math.max(1, this.pace);
    if (this.count < MIN_COUNT || mean <= most) return;
    this.violate(
      "calls of the app's own take long",
      `${this.count} took ${Math.round(mean)} ms on average`,
    );
  }
}

/**
 * What a death left goes on in time: within a minute of a restart, and otherwise
 * within the fifteen seconds in which a loss is noticed and a few in which it is
 * worked off, every work that was lost has begun again, has ended, or is back in the
 * queue, where `slots.ts` sees whether it waits for good reason. While executors of several
 * pools have all scheduled functions that the class runs at a time, not even the watchdog
 * does: then the time begins anew.
 */
import type { Life, Lives } from "../corners/lives.js";
import type { Violate } from "./check.js";

const AFTER_RESTART_MS = 60_000;
const AFTER_DEATH_MS = 15_000 + 5_000;

export class GoingOnCheck {
  private restarts = 0;

  constructor(
    private readonly lives: Lives,
    private readonly violate: Violate,
    private readonly elapsed: () => number,
    private readonly later: (ms: number, run: () => void) => void,
    private readonly isCrowded: () => boolean,
  ) {}

  /** The deployment is about to go down with all its executors. */
  restart(): void {
    this.restarts += 1;
    const lost = [...this.lives.all()].filter(
      ({ phase }) => phase !== "waits" && phase !== "ended",
    );
    this.watch(lost, AFTER_RESTART_MS, "a restart");
  }

  /** These were begun by an executor that is about to die. */
  death(lost: readonly Life[]): void {
    this.watch(lost, AFTER_DEATH_MS, "an executor's death");
  }

  private watch(
    lost: readonly Life[],
    ms: number,
    what: string,
    diedAt = this.elapsed(),
  ): void {
    const { restarts } = this;
    this.later(ms, () => {
      // What it lost in turn is that one's business.
      if (this.restarts !== restarts) return;
      if (this.isCrowded()) {
        this.watch(lost, ms, what, diedAt);
        return;
      }
      const stuck = lost.filter(
        ({ phase, since }) =>
          since <= diedAt && phase !== "waits" && phase !== "ended",
      );
      if (stuck.length === 0) return;
      this.violate(
        "lost work that does not go on",
        `${stuck.length} of ${lost.length} works are as they were ${ms / 1000} s after ${what}, like ${stuck[0]!.spec.key}`,
      );
    });
  }
}

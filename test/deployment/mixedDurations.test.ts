/** Short works beside a few long ones: slots do not stand empty while something waits for one. */
import { expect, test } from "vitest";
import { SeededRandomness } from "../../embedded/src/clock.js";
import { act } from "../../sim/works.js";
import { all, calls, expectAtRest, outcomes } from "./invariants.js";
import { Simulation } from "./simulation.js";

const LIMIT = 20;
const COUNT = 300;
const LONG_SHARE = 0.05;
const SHORT_MS = 10_000;
const LONG_MS = 10 * 60_000;

/** The share of the slots that handlers had, from the first moment they had all until fewer works wait than there are slots. */
class SlotUse {
  private begun = 0;
  private used = 0;
  private fullSince: number | null = null;
  private changedAt = 0;
  private inFlight = 0;
  private total = 0;

  constructor(simulation: Simulation) {
    const { handlers } = simulation;
    handlers.onBegin = () => {
      this.move(simulation.now(), handlers.inFlight);
      this.begun += 1;
    };
    handlers.onEnd = () => this.move(simulation.now(), handlers.inFlight);
  }

  private move(now: number, inFlight: number): void {
    if (this.fullSince !== null && COUNT - this.begun >= LIMIT) {
      this.used += this.inFlight * (now - this.changedAt);
      this.total += LIMIT * (now - this.changedAt);
    }
    if (inFlight === LIMIT) this.fullSince ??= now;
    this.inFlight = inFlight;
    this.changedAt = now;
  }

  get share(): number {
    return this.used / this.total;
  }
}

test.each([1, 2, 3])(
  "5 % take ten minutes, the others ten seconds (seed %i)",
  async (seed) => {
    const simulation = await Simulation.open({ seed });
    const random = new SeededRandomness(seed + 100);
    const works = Array.from({ length: COUNT }, (_, index) =>
      act(`w${index}`, {
        ms: random.next() < LONG_SHARE ? LONG_MS : SHORT_MS,
      }),
    );
    const use = new SlotUse(simulation);
    await simulation.setLimit(LIMIT);
    await simulation.enqueueTogether(...works);
    await simulation.drain();
    expect(outcomes(simulation)).toEqual(
      all(
        works.map(({ args }) => args.key as string),
        "success",
      ),
    );
    expect(use.share).toBeGreaterThanOrEqual(0.98);
    const own = Object.entries(calls(simulation))
      .filter(([name]) => name.startsWith("workpool|"))
      .reduce((sum, [, count]) => sum + count, 0);
    expect(own / COUNT).toBeLessThanOrEqual(1.3);
    expectAtRest(simulation);
  },
);

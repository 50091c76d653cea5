import fc from "fast-check";
import { expect, test } from "vitest";
import type { Id } from "../_generated/dataModel.js";
import { SEGMENT_MS } from "../shared.js";
import {
  afterTurn,
  DRIVER_WIDTH,
  isLight,
  mayBegin,
  newDriver,
  pollMs,
} from "./drive.js";
import type { ExecutorView } from "./lease.js";

const ID = "e" as Id<"executor">;

const view = (inFlight: number): ExecutorView => ({
  id: "e",
  width: 8,
  epoch: 0,
  closing: false,
  drains: false,
  inFlight,
  undelivered: 0,
  peak: 8,
  worksPerSlot: 1,
  asleep: false,
  long: false,
});

/** A driver that was handed so many works per second for a while, in turns of its own rhythm. */
function drivenAt(perSecond: number, seconds: number) {
  let driver = newDriver(ID, 0);
  let owed = 0;
  for (let now = 0; now < seconds * 1000;) {
    const ms = pollMs(driver);
    now += ms;
    owed += (ms * perSecond) / 1000;
    const moved = Math.floor(owed);
    owed -= moved;
    driver = afterTurn(driver, moved, now);
  }
  return driver;
}

test.each([5, 20, 50])(
  "at %i works per second a driver makes fewer calls than there are works",
  (perSecond) => {
    const calls = 1000 / pollMs(drivenAt(perSecond, 10));
    expect(calls).toBeLessThan(perSecond);
  },
);

test("a driver reports the more often the more comes, and not more often than a chain would tick", () => {
  const rhythms = [1, 5, 20, 50, 500].map((perSecond) =>
    pollMs(drivenAt(perSecond, 10)),
  );
  expect(rhythms).toEqual([...rhythms].sort((a, b) => b - a));
  expect(rhythms.at(-1)).toBe(SEGMENT_MS);
});

test("whatever was moved and whenever, the next report comes within a quarter of a second", () => {
  const turns = fc.array(fc.tuple(fc.nat(300), fc.nat(100_000)));
  fc.assert(
    fc.property(turns, (turns) => {
      let driver = newDriver(ID, 0);
      for (const [moved, ms] of turns) {
        driver = afterTurn(driver, moved, driver.lastTurnAt + ms);
        expect(pollMs(driver)).toBeGreaterThanOrEqual(SEGMENT_MS);
        expect(pollMs(driver)).toBeLessThanOrEqual(250);
      }
    }),
  );
});

test("an executor begins to drive with room for as much again", () => {
  expect(mayBegin(DRIVER_WIDTH / 2, 20)).toBe(true);
  expect(mayBegin(DRIVER_WIDTH / 2 + 1, 20)).toBe(false);
  expect(mayBegin(2, 2)).toBe(false);
  expect(isLight([view(3), view(5)])).toBe(true);
  expect(isLight([view(3), view(6)])).toBe(false);
  expect(isLight([])).toBe(true);
});

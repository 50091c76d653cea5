import fc from "fast-check";
import { expect, test } from "vitest";
import { SEGMENT_MS } from "../shared.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import {
  couldDrive,
  isLight,
  MAX_POLL_MS,
  nextPollMs,
  worksOf,
} from "./drive.js";
import type { ExecutorView } from "./lease.js";

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

/** How long a driver waits that was handed so many works per second for a while, in turns of its own rhythm. */
function pollMsAt(perSecond: number, seconds: number): number {
  let ms = MAX_POLL_MS;
  let owed = 0;
  for (let now = 0; now < seconds * 1000; now += ms) {
    owed += (ms * perSecond) / 1000;
    const moved = Math.floor(owed);
    owed -= moved;
    ms = nextPollMs(ms, ms, moved);
  }
  return ms;
}

test.each([5, 20, 50])(
  "at %i works per second a driver makes fewer calls than there are works",
  (perSecond) => {
    const calls = 1000 / pollMsAt(perSecond, 10);
    expect(calls).toBeLessThan(perSecond);
  },
);

test("a driver reports the more often the more comes, and not more than twice as often as a chain would tick", () => {
  const rhythms = [1, 5, 20, 50, 500].map((perSecond) =>
    pollMsAt(perSecond, 10),
  );
  expect(rhythms).toEqual([...rhythms].sort((a, b) => b - a));
  expect(rhythms.at(-1)).toBe(SEGMENT_MS / 2);
});

test("whatever was moved and whenever, the next report comes within a quarter of a second", () => {
  const turns = fc.array(fc.tuple(fc.nat(300), fc.nat(100_000)));
  fc.assert(
    fc.property(turns, (turns) => {
      let last = MAX_POLL_MS;
      for (const [moved, elapsed] of turns) {
        last = nextPollMs(last, elapsed, moved);
        expect(last).toBeGreaterThanOrEqual(SEGMENT_MS / 2);
        expect(last).toBeLessThanOrEqual(250);
      }
    }),
  );
});

test("an executor begins to drive with room for as much again", () => {
  const caps = { accepting: 4, inAll: 20, driving: 16 };
  expect(isLight(worksOf([view(3), view(5)]), caps)).toBe(true);
  expect(isLight(worksOf([view(3), view(6)]), caps)).toBe(false);
  expect(isLight(worksOf([]), caps)).toBe(true);
});

test("of those that could drive, the one that has been open for longest begins, while little runs", () => {
  const row = (id: string, state: "open" | "closing" = "open") =>
    ({
      _id: id,
      width: 8,
      first: [],
      startedAt: 0,
      state: { kind: state },
    }) as unknown as Doc<"executor">;
  const found = (
    state: { turnBy?: string; next?: number },
    rows = ["b", "a"],
  ) =>
    ["a", "b"].filter((id) =>
      couldDrive(
        {
          now: 0,
          executors: rows.map((each) => row(each)),
          stats: [],
          state: {
            turnBy: state.turnBy,
            assigned: ["a", "b"].map((executorId) => ({
              executorId,
              next: state.next ?? 2,
              peak: 8,
            })),
          } as unknown as Doc<"loopState">,
        },
        id as Id<"executor">,
        { driving: 64 },
      ),
    );
  expect(found({})).toEqual(["a"]);
  expect(found({}, ["b"])).toEqual(["b"]);
  expect(found({ next: 17 })).toEqual([]);
  expect(found({ turnBy: "b", next: 17 })).toEqual(["b"]);
});

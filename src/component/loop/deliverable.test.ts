import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { countDeliverable } from "./delivery.js";

const handOver = (works: number, bytes = 100) => ({
  works: Array<null>(works).fill(null),
  bytes,
});
const room = (
  changes: Partial<Parameters<typeof countDeliverable>[1]> = {},
) => ({
  works: 10,
  bytes: 1_000_000,
  nothingHeld: false,
  ...changes,
});

describe("of the hand-overs that wait, a reply takes", () => {
  test("those an executor can make use of, in order", () => {
    const waiting = [handOver(4), handOver(6), handOver(1)];
    expect(countDeliverable(waiting, room())).toBe(2);
  });

  test("whole ones: the last may be more than it wants, and none follows", () => {
    const waiting = [handOver(4), handOver(32), handOver(1)];
    expect(countDeliverable(waiting, room())).toBe(2);
    expect(countDeliverable(waiting, room({ works: 1 }))).toBe(1);
  });

  test("all of them for an executor that is leaving, however many", () => {
    const waiting = Array.from({ length: 30 }, () => handOver(32));
    expect(countDeliverable(waiting, room({ works: Infinity }))).toBe(30);
  });

  test("no more bytes than the executor has room for", () => {
    const waiting = [handOver(1, 600), handOver(1, 600)];
    expect(countDeliverable(waiting, room({ bytes: 1000 }))).toBe(1);
  });

  test("no more bytes than a reply may have", () => {
    const waiting = [handOver(1, 4_000_000), handOver(1, 4_000_000)];
    expect(countDeliverable(waiting, room({ bytes: 1e9 }))).toBe(1);
  });

  test("one that is too large, if the executor has nothing else: it fits nowhere better", () => {
    const large = [handOver(1, 7_000_000), handOver(1)];
    expect(countDeliverable(large, room({ nothingHeld: true }))).toBe(1);
    expect(countDeliverable(large, room())).toBe(0);
  });

  test("nothing for an executor that wants nothing, not even a large one", () => {
    const none = room({ works: 0, nothingHeld: true });
    expect(countDeliverable([handOver(1)], none)).toBe(0);
    expect(countDeliverable([handOver(1)], room({ works: -3 }))).toBe(0);
  });

  test("more than is wanted only with the last one, whatever waits", () => {
    const waiting = fc.array(
      fc.record({ works: fc.integer({ min: 1, max: 32 }), bytes: fc.nat(3e6) }),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(
        waiting,
        fc.integer({ min: -5, max: 100 }),
        fc.nat(8e6),
        fc.boolean(),
        (list, works, bytes, nothingHeld) => {
          const handOvers = list.map((each) =>
            handOver(each.works, each.bytes),
          );
          const count = countDeliverable(handOvers, {
            works,
            bytes,
            nothingHeld,
          });
          const sum = (part: typeof list, of: "works" | "bytes") =>
            part.reduce((total, each) => total + each[of], 0);
          const taken = list.slice(0, count);
          if (count > 0) {
            expect(sum(taken.slice(0, -1), "works")).toBeLessThan(works);
          }
          if (count > 1) expect(sum(taken, "bytes")).toBeLessThanOrEqual(bytes);
        },
      ),
    );
  });
});

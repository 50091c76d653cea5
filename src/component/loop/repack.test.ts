import fc from "fast-check";
import { expect, test } from "vitest";
import type { Id } from "../_generated/dataModel.js";
import { MAX_ENTRY_BYTES, MAX_ENTRY_WORKS } from "../entries.js";
import { repack } from "./start.js";

const works = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => `w${from + index}` as Id<"work">);

test("single works go into one hand-over", () => {
  const pieces = [0, 1, 2].map((n) => ({ works: works(1, n), bytes: 10 }));
  expect(repack(pieces, 32)).toEqual([{ works: works(3), bytes: 30 }]);
});

test("a hand-over grows neither beyond the works it may have nor the bytes of an entry", () => {
  const half = { works: works(20), bytes: 20 };
  expect(repack([half, half], 32).map((each) => each.works.length)).toEqual([
    32, 8,
  ]);
  const heavy = { works: works(1), bytes: 1_500_000 };
  expect(repack([heavy, heavy], 32)).toHaveLength(2);
});

test("what comes from one entry is split for a narrow executor, and its bytes with it", () => {
  const piece = { works: works(5), bytes: 500 };
  expect(repack([piece], 2)).toEqual([
    { works: works(2), bytes: 200 },
    { works: works(2, 2), bytes: 200 },
    { works: works(1, 4), bytes: 100 },
  ]);
});

test("whatever is packed, order and bytes stay, and the pieces are not changed", () => {
  const piece = fc.record({
    works: fc.integer({ min: 1, max: MAX_ENTRY_WORKS }).map((n) => works(n)),
    bytes: fc.nat(MAX_ENTRY_BYTES),
  });
  const maxWorks = fc.integer({ min: 1, max: MAX_ENTRY_WORKS });
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 20 }),
      maxWorks,
      (pieces, most) => {
        const before = structuredClone(pieces);
        const packed = repack(pieces, most);
        expect(pieces).toEqual(before);
        expect(packed.flatMap((each) => each.works)).toEqual(
          pieces.flatMap((each) => each.works),
        );
        const bytesOf = (all: { bytes: number }[]) =>
          all.reduce((sum, { bytes }) => sum + bytes, 0);
        // Shares are rounded up, each by less than a byte.
        const rounding = bytesOf(packed) - bytesOf(pieces);
        expect(rounding).toBeGreaterThanOrEqual(0);
        expect(rounding).toBeLessThanOrEqual(packed.length + pieces.length);
        for (const each of packed) {
          expect(each.works.length).toBeGreaterThan(0);
          expect(each.works.length).toBeLessThanOrEqual(most);
          if (each.works.length > 1) {
            expect(each.bytes).toBeLessThanOrEqual(
              MAX_ENTRY_BYTES + each.works.length,
            );
          }
        }
      },
    ),
  );
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Id } from "../_generated/dataModel.js";
import { MAX_ENTRY_BYTES, MAX_ENTRY_WORKS } from "../queue/entries.js";
import { repack, splitForStart } from "./start.js";

const works = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => `w${from + index}` as Id<"work">);

const piece = (count: number, size: number, from = 0) => ({
  works: works(count, from),
  sizes: Array<number>(count).fill(size),
});

test("single works go into one hand-over", () => {
  const pieces = [0, 1, 2].map((n) => piece(1, 10, n));
  expect(repack(pieces, 32)).toEqual([piece(3, 10)]);
});

test("a hand-over grows neither beyond the works it may have nor the bytes of an entry", () => {
  const half = piece(20, 1);
  expect(repack([half, half], 32).map((each) => each.works.length)).toEqual([
    32, 8,
  ]);
  const heavy = piece(1, 1_500_000);
  expect(repack([heavy, heavy], 32)).toHaveLength(2);
});

test("what comes from one entry is split for a narrow executor", () => {
  expect(repack([piece(5, 100)], 2)).toEqual([
    piece(2, 100),
    piece(2, 100, 2),
    piece(1, 100, 4),
  ]);
});

describe("an executor is started with", () => {
  test("as many works as its scheduled function may carry, as large as they really are", () => {
    const skewed = {
      works: works(32),
      sizes: [...Array<number>(31).fill(100), 399_000],
    };
    expect(splitForStart([skewed])).toEqual({
      first: works(31),
      rest: { works: works(1, 31), sizes: [399_000] },
    });
    expect(splitForStart([piece(60, 1), piece(60, 1, 60)])).toEqual({
      first: works(100),
      rest: piece(20, 1, 100),
    });
  });

  test("works of several entries, whose sizes stay with them", () => {
    const large = { works: works(2), sizes: [10, 350_000] };
    const small = { works: works(2, 2), sizes: [40_000, 20_000] };
    expect(splitForStart([large, small])).toEqual({
      first: works(3),
      rest: { works: works(1, 3), sizes: [20_000] },
    });
  });

  test("one work in any case", () => {
    expect(splitForStart([piece(2, 1_000_000)]).first).toEqual(works(1));
  });
});

test("whatever is packed, order and bytes stay, and the pieces are not changed", () => {
  const some = fc
    .array(fc.nat(MAX_ENTRY_BYTES), { minLength: 1, maxLength: 40 })
    .map((sizes) => ({ works: works(sizes.length), sizes }));
  const maxWorks = fc.integer({ min: 1, max: MAX_ENTRY_WORKS });
  fc.assert(
    fc.property(fc.array(some, { maxLength: 10 }), maxWorks, (pieces, most) => {
      const before = structuredClone(pieces);
      const packed = repack(pieces, most);
      expect(pieces).toEqual(before);
      expect(packed.flatMap((each) => each.works)).toEqual(
        pieces.flatMap((each) => each.works),
      );
      expect(packed.flatMap((each) => each.sizes)).toEqual(
        pieces.flatMap((each) => each.sizes),
      );
      for (const { works, sizes } of packed) {
        expect(works.length).toBeGreaterThan(0);
        expect(works.length).toBeLessThanOrEqual(most);
        const bytes = sizes.reduce((sum, size) => sum + size, 0);
        if (works.length > 1)
          expect(bytes).toBeLessThanOrEqual(MAX_ENTRY_BYTES);
      }
    }),
  );
});

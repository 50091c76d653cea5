import { describe, expect, test } from "vitest";
import { isAmple, shareOf } from "./userShare.js";
import type { Remaining } from "../platform.js";

const MIB = 1024 * 1024;
/** What is left of Convex's limits in a transaction that has done nothing. */
const FRESH: Remaining = {
  bytesRead: 16 * MIB,
  bytesWritten: 16 * MIB,
  databaseQueries: 4096,
  documentsRead: 32_000,
  documentsWritten: 16_000,
  functionsScheduled: 1000,
  scheduledFunctionArgsBytes: 16 * MIB,
};
const limits = Object.keys(FRESH) as (keyof Remaining)[];

describe("what user code may use", () => {
  test.each(limits)("leaves something of %s for recording", (limit) => {
    expect(shareOf(FRESH)[limit]).toBeLessThan(FRESH[limit]);
    expect(shareOf(FRESH)[limit]).toBeGreaterThan(FRESH[limit] / 2);
  });

  test.each(limits)("shrinks by what was used of %s before", (limit) => {
    const used = FRESH[limit] / 4;
    const left = { ...FRESH, [limit]: FRESH[limit] - used };
    expect(shareOf(FRESH)[limit] - shareOf(left)[limit]).toBe(used);
  });

  test.each(limits)(
    "is nothing of %s when only what is kept is left",
    (limit) => {
      const kept = FRESH[limit] - shareOf(FRESH)[limit];
      for (const left of [kept, kept / 2, 0]) {
        expect(shareOf({ ...FRESH, [limit]: left })[limit]).toBe(0);
      }
    },
  );

  test("is that of a fresh transaction where nobody tells what is left", () => {
    expect(shareOf(null)).toEqual(shareOf(FRESH));
  });
});

describe("a callback", () => {
  test("is called in a transaction that has hardly been used", () => {
    const left = { ...FRESH };
    for (const limit of limits) left[limit] *= 0.9;
    expect(isAmple(shareOf(FRESH))).toBe(true);
    expect(isAmple(shareOf(left))).toBe(true);
  });

  test.each(limits)(
    "is not called when more than half of %s is gone",
    (limit) => {
      const left = { ...FRESH, [limit]: FRESH[limit] * 0.45 };
      expect(isAmple(shareOf(left))).toBe(false);
    },
  );
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { entry } from "../../testing/plans.js";
import { merge } from "./admit.js";

describe("merging", () => {
  test("puts first what has waited longest, the first list's before the second's at a tie", () => {
    const ready = [entry("r1", 1, 1), entry("r2", 1, 5)];
    const due = [entry("d1", 1, 1), entry("d2", 1, 3)];
    expect(merge(ready, due).map(({ id }) => id)).toEqual([
      "r1",
      "d1",
      "d2",
      "r2",
    ]);
  });

  test("keeps every entry, and the order within each list even where times contradict it", () => {
    const times = fc.array(fc.nat(20), { maxLength: 20 });
    fc.assert(
      fc.property(times, times, (a, b) => {
        const as = a.map((time, index) => entry(`a${index}`, 1, time));
        const bs = b.map((time, index) => entry(`b${index}`, 1, time));
        const merged = merge(as, bs);
        const of = (prefix: string) =>
          merged.filter(({ id }) => id.startsWith(prefix));
        expect(merged).toHaveLength(as.length + bs.length);
        expect(of("a")).toEqual(as);
        expect(of("b")).toEqual(bs);
      }),
    );
  });
});

import fc from "fast-check";
import { expect, test } from "vitest";
import type { Id } from "../_generated/dataModel.js";
import type { Attempt } from "../loop/attempt.js";
import { Held } from "./held.js";

const attempt = (position: number): Attempt => ({
  position,
  workId: `w${position}` as Id<"work">,
  fence: 0,
  fnType: "action",
  fnHandle: `w${position}`,
  fnName: "jobs:act",
  fnArgs: {},
  size: 10 + position,
});

test("counts what runs and what is buffered as held, with their bytes", () => {
  const held = new Held(0);
  held.add([attempt(0), attempt(1), attempt(2)], 1);
  const first = held.takeNext()!;
  held.begin(first, 2);
  expect(held).toMatchObject({
    running: 1,
    buffered: 2,
    count: 3,
    bytes: 10 + 11 + 12,
    positions: [0, 1, 2],
  });
  held.end(first, 3);
  expect(held).toMatchObject({ running: 0, bytes: 11 + 12, positions: [1, 2] });
  expect(held.takeBuffer(1)).toEqual([attempt(2)]);
  expect(held.positions).toEqual([1]);
});

test("knows when an attempt last came, began or ended", () => {
  const held = new Held(5);
  held.add([], 6);
  expect(held.lastMoveAt).toBe(5);
  held.add([attempt(0), attempt(1)], 7);
  expect(held.lastMoveAt).toBe(7);
  const first = held.takeNext()!;
  held.begin(first, 8);
  expect(held.lastMoveAt).toBe(8);
  held.takeBuffer(0);
  expect(held.lastMoveAt).toBe(8);
  held.end(first, 9);
  expect(held.lastMoveAt).toBe(9);
});

test("names a position that separates what has begun from what has not, also once its buffer is empty", () => {
  const step = fc.oneof(
    fc.record({ add: fc.nat(4) }),
    fc.record({ begin: fc.constant(true) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const held = new Held(0);
      let given = 0;
      let begun = 0;
      for (const each of steps) {
        if ("add" in each) {
          const more = Array.from({ length: each.add }, () => attempt(given++));
          held.add(more, 0);
        } else {
          const next = held.takeNext();
          if (!next) continue;
          held.begin(next, 0);
          begun = next.position + 1;
        }
        expect(held.firstNotBegun).toBe(begun);
        expect(held.buffered).toBe(given - begun);
      }
    }),
  );
});

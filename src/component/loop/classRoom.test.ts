import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ClassRoom,
  classRoomOf,
  limitInEffect,
  transactionShare,
} from "./classRoom.js";

const S16: ClassRoom = { actions: 48, transactions: 12 };

describe("the class's room", () => {
  test.each<[string, ClassRoom]>([
    ["s16", S16],
    ["S256", { actions: 448, transactions: 224 }],
    ["D1024", { actions: 896, transactions: 448 }],
    ["x7", S16],
  ])(
    "of %s leaves the app a quarter of the permits, or less of many",
    (name, room) => {
      expect(classRoomOf(name)).toEqual(room);
    },
  );

  test("bounds the limit, and a paused pool stays paused", () => {
    expect(limitInEffect(500, S16)).toBe(48);
    expect(limitInEffect(20, S16)).toBe(20);
    expect(limitInEffect(0, S16)).toBe(0);
  });
});

describe("an executor's share of the transactions", () => {
  test("is no matter where there is room for as many as the limit allows", () => {
    expect(transactionShare(4, 12, S16)).toBeUndefined();
    expect(transactionShare(4, 0, S16)).toBeUndefined();
    expect(transactionShare(100, 200, classRoomOf("S256"))).toBeUndefined();
  });

  test("is that of its width, and one at least", () => {
    expect(transactionShare(16, 48, S16)).toBe(4);
    expect(transactionShare(48, 48, S16)).toBe(12);
    expect(transactionShare(1, 48, S16)).toBe(1);
  });

  test("is never more than there is, though a lease is wider than the limit in effect", () => {
    expect(transactionShare(200, 48, S16)).toBe(12);
  });

  test("together with all others is the room, but for executors too narrow for one transaction", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 13, max: 48 }),
        fc.array(fc.integer({ min: 1, max: 48 }), { maxLength: 5 }),
        (limit, wanted) => {
          let left = limit;
          const widths = wanted
            .map((width) => {
              const given = Math.min(width, left);
              left -= given;
              return given;
            })
            .filter((width) => width > 0);
          const narrow = widths.filter((width) => 12 * width < limit).length;
          const sum = widths.reduce(
            (total, width) => total + transactionShare(width, limit, S16)!,
            0,
          );
          expect(sum).toBeLessThanOrEqual(12 + narrow);
        },
      ),
    );
  });
});

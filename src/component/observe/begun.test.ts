import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { begunClaims, type Holder, slotsOf } from "./begun.js";

type Claim = { id: string; left: number[] };

const holder = (changes: Partial<Holder<Claim>> = {}): Holder<Claim> => ({
  started: true,
  slots: 3,
  open: [
    { id: "first", left: [0, 2] },
    { id: "second", left: [3, 4, 5] },
    { id: "third", left: [6] },
  ],
  ...changes,
});
const positions = (of: Holder<Claim>) =>
  begunClaims(of).flatMap(({ left }) => left);

describe("of what was delivered and is open", () => {
  test("as many works have begun as there are slots, in their order", () => {
    expect(begunClaims(holder())).toEqual([
      { id: "first", left: [0, 2] },
      { id: "second", left: [3] },
    ]);
  });

  test("all have begun where there are slots for all", () => {
    expect(positions(holder({ slots: 20 }))).toEqual([0, 2, 3, 4, 5, 6]);
  });

  test("none has begun while the executor's scheduled function is pending", () => {
    expect(positions(holder({ started: false }))).toEqual([]);
  });

  test("none has begun that needs another report first", () => {
    expect(positions(holder({ beginsBefore: 3 }))).toEqual([0, 2]);
    expect(positions(holder({ beginsBefore: 0 }))).toEqual([]);
  });

  test("those that are over take slots, and are no works of its own any more", () => {
    expect(positions(holder({ over: [0, 4] }))).toEqual([2]);
    expect(positions(holder({ slots: 20, over: [0, 2] }))).toEqual([
      3, 4, 5, 6,
    ]);
    expect(positions(holder({ slots: 1, over: [0, 2] }))).toEqual([]);
  });

  test("none has begun without slots", () => {
    expect(positions(holder({ slots: 0 }))).toEqual([]);
    expect(positions(holder({ open: [] }))).toEqual([]);
  });
});

test("never more have begun than there are slots, and always the first", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(200), { maxLength: 60 }),
      fc.nat(12),
      fc.option(fc.nat(200), { nil: undefined }),
      fc.integer({ min: 1, max: 8 }),
      (unsorted, slots, beginsBefore, size) => {
        const all = unsorted.sort((a, b) => a - b);
        const open: Claim[] = [];
        for (let at = 0; at < all.length; at += size) {
          open.push({ id: `${at}`, left: all.slice(at, at + size) });
        }
        const may = all.filter((each) => each < (beginsBefore ?? Infinity));
        expect(positions({ started: true, slots, open, beginsBefore })).toEqual(
          may.slice(0, slots),
        );
      },
    ),
  );
});

describe("the slots", () => {
  test("are the lease, once no more is open than it has room for", () => {
    expect(slotsOf(5, 5, 20)).toBe(5);
  });
  test("are those of the wider lease before, while what began under it runs", () => {
    expect(slotsOf(3, 9, 20)).toBe(20);
    expect(slotsOf(3, 9, 3)).toBe(3);
  });
});

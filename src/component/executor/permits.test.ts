import { beforeEach, describe, expect, test } from "vitest";
import { Permits, RISE_MS } from "./permits.js";

/** Of a lease of eight slots, four of them for transactions. */
let permits: Permits;
beforeEach(() => {
  permits = new Permits();
  permits.lease(8, 4);
});

function begin(kind: "action" | "transaction", count: number): void {
  for (let begun = 0; begun < count; begun++) permits.begin(kind);
}

describe("what the class has room for", () => {
  test("bounds transactions, and leaves actions to the lease", () => {
    begin("transaction", 3);
    begin("action", 100);
    expect(permits.hasRoom("transaction")).toBe(true);
    expect(permits.hasRoom("action")).toBe(true);
    permits.begin("transaction");
    expect(permits.hasRoom("transaction")).toBe(false);
    permits.end("transaction");
    expect(permits.hasRoom("transaction")).toBe(true);
  });

  test("is no matter to an executor that was told nothing", () => {
    permits.lease(8, undefined);
    begin("transaction", 8);
    expect(permits.hasRoom("transaction")).toBe(true);
  });
});

describe("a refusal", () => {
  test("halves what was in flight of its type, and of no other", () => {
    begin("action", 7);
    begin("transaction", 3);
    expect(permits.refused("action", 0, 10_000)).toBe(3);
    expect(permits.halved).toEqual({ action: 3 });
    expect(permits.hasRoom("action")).toBe(false);
    expect(permits.hasRoom("transaction")).toBe(true);
    for (let ended = 0; ended < 5; ended++) permits.end("action");
    expect(permits.hasRoom("action")).toBe(true);
  });

  test("leaves one at least", () => {
    begin("action", 1);
    expect(permits.refused("action", 0, 1)).toBe(1);
  });

  test("of a call that began before the last halving does not halve again", () => {
    begin("action", 8);
    expect(permits.refused("action", 0, 100)).toBe(4);
    expect(permits.refused("action", 0, 100)).toBe(null);
    expect(permits.refused("action", 100, 200)).toBe(null);
    for (let ended = 0; ended < 4; ended++) permits.end("action");
    expect(permits.refused("action", 101, 10_101)).toBe(2);
    expect(permits.halved).toEqual({ action: 2 });
  });

  test("of what began before, and tries again, halves the bound", () => {
    permits.lease(16, 16);
    begin("transaction", 16);
    expect(permits.refused("transaction", 0, 100)).toBe(8);
    expect(permits.refused("transaction", 200, 5_200)).toBe(4);
    expect(permits.refused("transaction", 200, 5_200)).toBe(null);
  });

  test("of a report halves nothing where no transaction is in flight", () => {
    expect(permits.refused("transaction", 0, 1)).toBe(null);
    expect(permits.halved).toBeUndefined();
  });
});

describe("what was halved", () => {
  test("rises by one at a time, and is over when the lease bounds it", () => {
    begin("action", 8);
    permits.refused("action", 0, 0);
    expect(permits.untilRise(1)).toBe(RISE_MS - 1);
    expect(permits.rise(RISE_MS - 1)).toEqual([]);
    expect(permits.halved).toEqual({ action: 4 });
    expect(permits.rise(RISE_MS)).toEqual([]);
    expect(permits.halved).toEqual({ action: 5 });
    expect(permits.untilRise(RISE_MS)).toBe(RISE_MS);
    expect(permits.rise(3 * RISE_MS + 1)).toEqual([]);
    expect(permits.halved).toEqual({ action: 7 });
    expect(permits.rise(4 * RISE_MS)).toEqual(["action"]);
    expect(permits.halved).toBeUndefined();
    expect(permits.untilRise(4 * RISE_MS)).toBe(Infinity);
  });

  test("of transactions is over when their share bounds it", () => {
    begin("transaction", 4);
    permits.refused("transaction", 0, 0);
    expect(permits.rise(RISE_MS)).toEqual([]);
    expect(permits.rise(2 * RISE_MS)).toEqual(["transaction"]);
    expect(permits.hasRoom("transaction")).toBe(false);
  });

  test("does not rise for some time after any further refusal", () => {
    begin("action", 8);
    permits.refused("action", 0, 0);
    permits.refused("action", 0, RISE_MS - 1);
    expect(permits.rise(RISE_MS)).toEqual([]);
    expect(permits.halved).toEqual({ action: 4 });
    permits.rise(2 * RISE_MS - 1);
    expect(permits.halved).toEqual({ action: 5 });
  });
});

import { describe, expect, test } from "vitest";
import type { Doc, Id } from "../_generated/dataModel.js";
import { HOUR, MINUTE, SECOND } from "../shared.js";
import type { LoopStateKind } from "./decide.js";
import {
  type Dangers,
  isDead,
  mayPutOff,
  validUntil,
  wantedWatch,
  WATCH_MS,
} from "./watchdog.js";

const NOW = 1_700_000_000_000;
const IDLE: LoopStateKind = { kind: "idle" };
const RUNNING: LoopStateKind = { kind: "running" };
const SATURATED: LoopStateKind = { kind: "saturated" };
const scheduled = (at: number): LoopStateKind => ({ kind: "scheduled", at });

/** Nothing can go wrong, but for this. */
const dangers = (changes: Partial<Dangers> = {}): Dangers => ({
  state: IDLE,
  hasExecutors: false,
  waits: false,
  owedAt: null,
  startBy: null,
  recovers: false,
  ...changes,
});

describe("the watchdog", () => {
  test("does not come while nothing can go wrong: idle, or paused with nothing in flight", () => {
    expect(wantedWatch(dangers(), NOW)).toBeNull();
    expect(wantedWatch(dangers({ state: SATURATED }), NOW)).toBeNull();
  });

  test.each([
    ["executors are there", { hasExecutors: true }],
    ["something waits for a place", { waits: true, state: SATURATED }],
    ["a chain or a driver should come", { state: RUNNING }],
  ])("comes within 15 seconds while %s", (_, changes) => {
    const at = wantedWatch(dangers(changes), NOW);
    expect(at).toBe(NOW + WATCH_MS);
    expect(WATCH_MS).toBeLessThan(15 * SECOND);
  });

  test("comes after the due time that a parked loop waits for", () => {
    const at = NOW + HOUR;
    const wanted = wantedWatch(dangers({ state: scheduled(at) }), NOW)!;
    expect(wanted).toBeGreaterThan(at);
    expect(wanted).toBeLessThanOrEqual(at + 15 * SECOND);
  });

  test("comes when owed callbacks are overdue, and not sooner than usual", () => {
    const owed = (owedAt: number) => wantedWatch(dangers({ owedAt }), NOW);
    expect(owed(NOW + MINUTE)).toBe(NOW + MINUTE);
    expect(owed(NOW - MINUTE)).toBe(NOW + WATCH_MS);
  });

  test("comes soon while lost executors are looked after, whatever else there is", () => {
    const all = { recovers: true, hasExecutors: true, state: RUNNING };
    const at = wantedWatch(dangers(all), NOW)!;
    expect(at).toBeLessThanOrEqual(NOW + 2 * SECOND);
  });

  test("is wanted in whole milliseconds: the clock of functions shows no others", () => {
    const state = scheduled(NOW + 0.25);
    const at = wantedWatch(dangers({ state }), NOW)!;
    expect(Number.isInteger(at)).toBe(true);
  });
});

describe("a turn may put the watch off", () => {
  const soon = { at: NOW + 3 * SECOND };
  const usual = NOW + WATCH_MS;

  test("that comes soon, if the usual time is wanted", () => {
    expect(mayPutOff(soon, usual, null, NOW)).toBe(true);
  });

  test.each([
    ["it is due, and may be running", { at: NOW }],
    ["it has just been armed", { at: NOW + 10 * SECOND }],
  ])("but not if %s", (_, watch) => {
    expect(mayPutOff(watch, usual, null, NOW)).toBe(false);
  });

  test("but not if an earlier one is wanted", () => {
    expect(mayPutOff(soon, NOW + 2 * SECOND, null, NOW)).toBe(false);
  });

  test("but not if callbacks are overdue, which it does not look after", () => {
    expect(mayPutOff(soon, usual, NOW - 1, NOW)).toBe(false);
    expect(mayPutOff(soon, usual, NOW + 1, NOW)).toBe(true);
  });
});

describe("the loop is dead", () => {
  const driver = "driver" as Id<"executor">;
  type Row = Parameters<typeof isDead>[2][number];
  const executor = (
    state: Doc<"executor">["state"] = { kind: "open" },
  ): Row => ({ _id: driver, state });
  const dead = (
    state: LoopStateKind,
    changes: { nextTickAt?: number; validUntil?: number | null } = {},
    executors: Row[] | null = null,
  ) =>
    isDead(
      { state, validUntil: changes.validUntil ?? NOW + MINUTE },
      {
        nextTickAt: changes.nextTickAt ?? NOW,
        turnBy: executors ? driver : undefined,
      },
      executors ?? [],
      NOW,
    );

  test("when it gave no sign of life for too long, in any state", () => {
    for (const state of [IDLE, RUNNING, SATURATED, scheduled(NOW)]) {
      expect(dead(state, { validUntil: NOW - 1 })).toBe(true);
      expect(dead(state)).toBe(false);
    }
  });

  test("when the next turn of a running loop is long overdue", () => {
    expect(dead(RUNNING, { nextTickAt: NOW - 6 * SECOND })).toBe(true);
    expect(dead(RUNNING, { nextTickAt: NOW - 4 * SECOND })).toBe(false);
    expect(dead(SATURATED, { nextTickAt: NOW - HOUR })).toBe(false);
  });

  test("when the tick for later work did not come", () => {
    expect(dead(scheduled(NOW - 6 * SECOND))).toBe(true);
    expect(dead(scheduled(NOW - 4 * SECOND))).toBe(false);
  });

  test("when its driver has left, closes, or is gone", () => {
    expect(dead(RUNNING, {}, [executor()])).toBe(false);
    expect(dead(RUNNING, {}, [executor({ kind: "closing" })])).toBe(true);
    expect(dead(RUNNING, {}, [])).toBe(true);
  });
});

test("a paused pool with nothing in flight, or an idle one, never counts as dead", () => {
  const nothing = { hasExecutors: false, waits: false };
  expect(validUntil({ state: IDLE, ...nothing }, NOW)).toBeNull();
  expect(validUntil({ state: SATURATED, ...nothing }, NOW)).toBeNull();
  const waits = { state: SATURATED, hasExecutors: false, waits: true };
  expect(validUntil(waits, NOW)).toBeGreaterThan(NOW + 2 * WATCH_MS);
});

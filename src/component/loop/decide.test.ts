import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  COOL_DOWN_MS,
  decide,
  type Decision,
  type LoopStateKind,
  parkedState,
  type TickOutcome,
  untilNextSegment,
} from "./decide.js";
import { SECOND, SEGMENT_MS } from "../shared.js";

/** On a segment border, far from the epoch. */
const NOW = 1_700_000_000_000;
const LONG_AGO = NOW - 3_600_000;

const IDLE: LoopStateKind = { kind: "idle" };
const SATURATED: LoopStateKind = { kind: "saturated" };
const RUNNING: LoopStateKind = { kind: "running" };
const later = (at: number): LoopStateKind => ({ kind: "scheduled", at });
const STATES = [IDLE, SATURATED, RUNNING, later(NOW + 5000)];

/** A tick on time in a pool that has been quiet for long, and that found nothing. */
const outcome = (changes: Partial<TickOutcome> = {}): TickOutcome => ({
  state: IDLE,
  moved: 0,
  more: false,
  waiting: false,
  nextDueAt: null,
  now: NOW,
  dueSince: NOW,
  lastWorkAt: LONG_AGO,
  frequent: false,
  coolDownMs: COOL_DOWN_MS,
  ...changes,
});

const stay: Decision = { kind: "stay" };
const park = (as: LoopStateKind): Decision => ({ kind: "park", as });
const run = (delayMs: number): Decision => ({ kind: "run", delayMs });

/** What a tick may find, and the state that a parked loop is then in. */
const situations = [
  { name: "nothing", found: {}, parked: IDLE },
  {
    name: "work due later",
    found: { nextDueAt: NOW + 5000 },
    parked: later(NOW + 5000),
  },
  {
    name: "work without room",
    found: { waiting: true },
    parked: SATURATED,
  },
  {
    name: "both",
    found: { waiting: true, nextDueAt: NOW + 5000 },
    parked: SATURATED,
  },
];

describe.each(situations)("when there is $name", ({ found, parked }) => {
  test.each(STATES)("a tick in state $kind", (state) => {
    const same = state.kind === parked.kind;
    expect(decide(outcome({ state, ...found }))).toEqual(
      same ? stay : park(parked),
    );
  });

  test("a parked tick that moved something leaves the state where it fits", () => {
    expect(decide(outcome({ state: parked, moved: 3, ...found }))).toEqual(
      stay,
    );
  });

  test("a busy chain goes on, once per segment", () => {
    const busy = outcome({ state: RUNNING, moved: 1, ...found });
    expect(decide(busy)).toEqual(run(SEGMENT_MS));
  });

  test("a bound that was met goes on at once, in every state", () => {
    for (const state of STATES) {
      expect(decide(outcome({ state, more: true, ...found }))).toEqual(run(0));
    }
  });
});

describe("a chain", () => {
  const empty = { state: RUNNING };

  test("parks only two segments after the last work", () => {
    const recent = { ...empty, lastWorkAt: NOW - 2 * SEGMENT_MS + 1 };
    expect(decide(outcome(recent)).kind).toBe("run");
    const past = { ...empty, lastWorkAt: NOW - 2 * SEGMENT_MS };
    expect(decide(outcome(past))).toEqual(park(IDLE));
  });

  test("does not take its own lateness for idleness", () => {
    const late = { ...empty, dueSince: NOW - SEGMENT_MS - 1 };
    const recent = { ...late, lastWorkAt: NOW - 4 * SECOND };
    expect(decide(outcome(recent)).kind).toBe("run");
  });

  test("parks in the end, even if all its ticks are late", () => {
    const late = { ...empty, dueSince: NOW - 12 * SECOND };
    const quiet = { ...late, lastWorkAt: NOW - 6 * SECOND };
    expect(decide(outcome(quiet)).kind).toBe("park");
  });
});

describe("a parked loop", () => {
  test("starts a chain where wake-ups come too often", () => {
    expect(decide(outcome({ moved: 1, frequent: true })).kind).toBe("run");
    expect(decide(outcome({ moved: 1 }))).toEqual(stay);
  });

  test("starts none for ticks that moved nothing", () => {
    expect(decide(outcome({ frequent: true }))).toEqual(stay);
  });

  test("moves its appointment when the earliest work changed", () => {
    const state = later(NOW + 5000);
    for (const nextDueAt of [NOW + 200, NOW + 9000]) {
      expect(decide(outcome({ state, nextDueAt }))).toEqual(
        park(later(nextDueAt)),
      );
    }
  });
});

test("a parked state says what is there: no room first, then the next due time", () => {
  expect(parkedState(false, null)).toEqual(IDLE);
  expect(parkedState(false, 7)).toEqual(later(7));
  expect(parkedState(true, null)).toEqual(SATURATED);
  expect(parkedState(true, 7)).toEqual(SATURATED);
});

test("a chain's next tick falls on a segment border, never now", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4e12 }), (now) => {
      const delay = untilNextSegment(now);
      expect(delay).toBeGreaterThan(0);
      expect(delay).toBeLessThanOrEqual(SEGMENT_MS);
      expect((now + delay) % SEGMENT_MS).toBe(0);
    }),
  );
});

test("nothing that happens leaves a loop parked in a state that contradicts what is there", () => {
  const anOutcome = fc.record({
    state: fc.constantFrom(...STATES),
    moved: fc.nat(3),
    more: fc.boolean(),
    waiting: fc.boolean(),
    nextDueAt: fc.option(fc.constantFrom(NOW + 5000, NOW + 7000)),
    now: fc.constant(NOW),
    dueSince: fc.constantFrom(NOW, NOW - 1000),
    lastWorkAt: fc.constantFrom(NOW - 100, LONG_AGO),
    frequent: fc.boolean(),
    coolDownMs: fc.constantFrom(COOL_DOWN_MS, 1000),
  });
  fc.assert(
    fc.property(anOutcome, (what) => {
      const decision = decide(what);
      const fitting = parkedState(what.waiting, what.nextDueAt);
      if (decision.kind === "stay") expect(what.state).toEqual(fitting);
      if (decision.kind === "park") expect(decision.as).toEqual(fitting);
      if (what.more) expect(decision).toEqual(run(0));
    }),
  );
});

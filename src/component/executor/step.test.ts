import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MINUTE, SECOND, SEGMENT_MS } from "../shared.js";
import { COMPANY_MS, lowWater } from "./ahead.js";
import { decideStep, MAX_RESULTS, type Situation } from "./step.js";

/** A young executor of long works, half full, that was told that more may come, and has just reported. */
const now = (changes: Partial<Situation> = {}): Situation => ({
  width: 4,
  listen: true,
  listener: false,
  closed: false,
  pollMs: null,
  long: false,
  running: 2,
  buffered: 0,
  unreported: 0,
  oldestUnreportedMs: 0,
  awaited: false,
  mean: 5 * SECOND,
  closing: false,
  blocked: null,
  untilRiseMs: Infinity,
  memoryFull: false,
  standsStillMs: 0,
  outOfTime: false,
  sinceReportMs: 0,
  fruitless: 0,
  ...changes,
});
const step = (changes?: Partial<Situation>) => decideStep(now(changes));

const report = { kind: "report", closing: false };
const reportClosing = { kind: "report", closing: true };
/** Until an attempt ends, or for so long. */
const wait = (ms = HEARTBEAT_MS) => ({ kind: "wait", ms, closing: false });
/** It gives a sign of life at least so often. */
const HEARTBEAT_MS = 4 * MINUTE;
const ASK = SEGMENT_MS;
/** Of so short works a report cannot wait. */
const short = { mean: 10 };

describe("an executor that has free slots", () => {
  test.each<[string, Partial<Situation>, unknown]>([
    ["asks again after a while", {}, wait(ASK)],
    ["asks once that is over", { sinceReportMs: ASK }, report],
    ["asks later when it got nothing", { fruitless: 1 }, wait(2 * ASK)],
    ["never waits longer than this", { fruitless: 20 }, wait(SECOND / 2)],
    ["asks also with nothing left to do", { running: 0 }, wait(ASK)],
    ["asks to close when nothing comes", { listen: false }, reportClosing],
    [
      "asks to close with nothing to do, when nothing comes",
      { running: 0, listen: false },
      reportClosing,
    ],
    [
      "asks to close with nothing to do under no lease",
      { running: 0, width: 0 },
      reportClosing,
    ],
  ])("%s", (_, changes, expected) => {
    expect(step(changes)).toEqual(expected);
  });
});

describe("an executor whose slots are all taken", () => {
  const full = { running: 4 };

  test.each<[string, Partial<Situation>, unknown]>([
    ["waits for an attempt to end", {}, wait()],
    ["needs no more to come", { listen: false }, wait()],
    ["of narrower lease waits, too", { width: 1 }, wait()],
    ["and of none", { width: 0 }, wait()],
    [
      "with a buffer for a round trip waits, too",
      { ...short, buffered: lowWater(4, 10) },
      wait(SECOND),
    ],
    [
      "asks for more when its buffer would run dry",
      { ...short, buffered: lowWater(4, 10) - 1, sinceReportMs: ASK },
      report,
    ],
  ])("%s", (_, changes, expected) => {
    expect(step({ ...full, ...changes })).toEqual(expected);
  });
});

describe("what has ended", () => {
  test.each<[string, Partial<Situation>, unknown]>([
    [
      "of short works is reported at once when the slots were full",
      { ...short, running: 3, unreported: 1 },
      report,
    ],
    [
      "of works of which nothing is known yet, too",
      { mean: null, running: 3, unreported: 1 },
      report,
    ],
    [
      "waits for company where there were free slots before: nothing waits for one",
      { ...short, unreported: 1 },
      wait(COMPANY_MS),
    ],
    [
      "of long works waits for company: a moment is nothing to them",
      { unreported: 1 },
      wait(COMPANY_MS),
    ],
    [
      "is reported at once when nothing else runs",
      { running: 0, unreported: 1, closed: true },
      report,
    ],
    [
      "waits for company while the buffer feeds the slots",
      { ...short, running: 4, buffered: 99, unreported: 1 },
      wait(COMPANY_MS),
    ],
    [
      "does not, when the buffer would run dry",
      { ...short, running: 4, buffered: 1, unreported: 1 },
      report,
    ],
    [
      "has waited long enough",
      {
        ...short,
        running: 4,
        buffered: 99,
        unreported: 1,
        oldestUnreportedMs: COMPANY_MS,
      },
      report,
    ],
    [
      "waits for the rest of that time only",
      {
        ...short,
        running: 4,
        buffered: 99,
        unreported: 1,
        oldestUnreportedMs: 30,
      },
      wait(COMPANY_MS - 30),
    ],
    [
      "waits for company where nothing could refill the slot",
      { unreported: 1, closed: true, listen: false },
      wait(COMPANY_MS),
    ],
    [
      "is reported when it fills a report",
      { unreported: MAX_RESULTS, closed: true, listen: false },
      report,
    ],
  ])("%s", (_, changes, expected) => {
    expect(step(changes)).toEqual(expected);
  });
});

describe("a driver", () => {
  const driver = { pollMs: 150, running: 0 };

  test.each<[string, Partial<Situation>, unknown]>([
    ["reports at its rhythm, whatever it has", {}, wait(150)],
    ["also results, and with free slots", { unreported: 1 }, wait(150)],
    ["when it is time", { sinceReportMs: 150 }, report],
    ["at once when the results fill a report", { unreported: 100 }, report],
    ["at once when a callback waits for one", { awaited: true }, report],
    ["at once when it leaves", { outOfTime: true }, reportClosing],
  ])("%s", (_, changes, expected) => {
    expect(step({ ...driver, ...changes })).toEqual(expected);
  });
});

describe("an executor with works buffered behind long ones", () => {
  const full = { running: 4, buffered: 2 };

  test("gives them back when nothing has moved for a second", () => {
    expect(step({ ...full, standsStillMs: SECOND - 1 })).toEqual(wait(1));
    expect(step({ ...full, standsStillMs: SECOND })).toEqual({
      kind: "giveBack",
      closing: false,
    });
  });

  test("reports its results first", () => {
    const late = { ...full, standsStillMs: SECOND, unreported: 1 };
    expect(step({ ...late, oldestUnreportedMs: COMPANY_MS })).toEqual(report);
  });
});

test("an executor opened for long works asks for more while its slots are taken, now and then", () => {
  const full = { running: 4, long: true };
  expect(step(full)).toEqual(wait(5 * SECOND));
  expect(step({ ...full, sinceReportMs: 5 * SECOND })).toEqual(report);
  expect(step({ long: true })).toEqual(wait(ASK));
});

describe("an executor that may not begin what it has", () => {
  test("reports at once when its positions are used up", () => {
    const blocked = { running: 1, buffered: 1, blocked: "position" as const };
    expect(step(blocked)).toEqual(report);
    expect(step({ ...blocked, running: 4 })).toEqual(wait());
  });

  test("reports what it has at once when memory is short", () => {
    const blocked = { running: 1, buffered: 1, blocked: "memory" as const };
    expect(step({ ...blocked, unreported: 1, listen: false })).toEqual(report);
  });
});

describe("an executor of whose next work the class has no room for another", () => {
  const blocked = { running: 1, buffered: 3, blocked: "class" as const };

  test("gives nothing back, however long it waits: others have no room either", () => {
    expect(step({ ...blocked, standsStillMs: MINUTE })).toEqual(wait());
  });

  test("looks again when more may be in flight of what was refused", () => {
    expect(step({ ...blocked, untilRiseMs: 1234 })).toEqual(wait(1234));
    expect(step({ ...blocked, blocked: null, untilRiseMs: 5 })).toEqual(
      wait(SECOND),
    );
  });

  test("has its results wait for company: its free slots are of no use", () => {
    const ended = { ...blocked, unreported: 1 };
    expect(step(ended)).toEqual(wait(COMPANY_MS));
  });
});

describe("an executor closes", () => {
  const old = { running: 4, outOfTime: true };

  test("when it has accepted work for as long as it may", () => {
    expect(step({ ...old, outOfTime: false })).toEqual(wait());
    expect(step(old)).toEqual(reportClosing);
  });

  test("and when that was refused, it goes on asking", () => {
    const refused = { ...old, closing: true };
    expect(step(refused)).toEqual({ kind: "wait", ms: ASK, closing: true });
    expect(step({ ...refused, sinceReportMs: ASK })).toEqual(reportClosing);
  });

  test("but not while its buffer has work for the slots", () => {
    const buffered = { running: 2, width: 2, buffered: 3, listen: false };
    expect(step(buffered).closing).toBe(false);
  });

  test("only once: closed, it lets finish what it has and makes no calls", () => {
    const closed = { closed: true, closing: true, listen: false };
    for (const running of [1, 4]) {
      for (const outOfTime of [false, true]) {
        expect(step({ ...closed, running, outOfTime })).toEqual({
          ...wait(),
          closing: true,
        });
      }
    }
  });

  test("or was born so, and never asks to", () => {
    expect(step({ closed: true, listen: false })).toEqual(wait());
  });

  test("and with nothing left it asks until it may leave", () => {
    const empty = { closed: true, listen: false, running: 0 };
    expect(step(empty)).toEqual(wait(ASK));
    expect(step({ ...empty, sinceReportMs: ASK })).toEqual(report);
  });
});

describe("whatever the situation, an executor", () => {
  const situation: fc.Arbitrary<Situation> = fc.record({
    width: fc.nat(5),
    listen: fc.boolean(),
    listener: fc.boolean(),
    closed: fc.boolean(),
    awaited: fc.boolean(),
    pollMs: fc.option(fc.integer({ min: 50, max: 220 })),
    long: fc.boolean(),
    running: fc.nat(6),
    buffered: fc.nat(6),
    unreported: fc.nat(3),
    oldestUnreportedMs: fc.nat(100),
    mean: fc.option(fc.nat(3000)),
    closing: fc.boolean(),
    memoryFull: fc.boolean(),
    blocked: fc.constantFrom(
      null,
      "class" as const,
      "position" as const,
      "memory" as const,
    ),
    untilRiseMs: fc.oneof(
      fc.constant(Infinity),
      fc.integer({ min: 1, max: 5000 }),
    ),
    standsStillMs: fc.nat(2000),
    outOfTime: fc.boolean(),
    sinceReportMs: fc.nat(1000),
    fruitless: fc.nat(8),
  });

  test("never waits for an attempt to end when none runs that could wake it", () => {
    fc.assert(
      fc.property(situation, (any) => {
        const next = decideStep({ ...any, running: 0, buffered: 0 });
        expect(next.kind === "wait" && next.ms === undefined).toBe(false);
      }),
    );
  });

  test("never waits without end while results are unreported", () => {
    fc.assert(
      fc.property(situation, (any) => {
        const next = decideStep(any);
        if (any.unreported === 0 || next.kind !== "wait") return;
        expect(next.ms).toBeGreaterThan(0);
        expect(next.ms).toBeLessThanOrEqual(any.pollMs ?? COMPANY_MS);
      }),
    );
  });

  test("does not take back that it is closing", () => {
    fc.assert(
      fc.property(situation, (any) => {
        expect(decideStep({ ...any, closing: true }).closing).toBe(true);
      }),
    );
  });
});

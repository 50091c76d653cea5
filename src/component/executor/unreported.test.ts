import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Id } from "../_generated/dataModel.js";
import type { Attempt } from "../loop/attempt.js";
import type { AttemptResult } from "./protocol.js";
import { MAX_RESULTS } from "./step.js";
import { takeBatch, Unreported } from "./unreported.js";

const success = (position: number): AttemptResult => ({
  position,
  workId: `w${position}` as Id<"work">,
  fence: 0,
  startedAt: 0,
  outcome: { kind: "success", returnValue: null },
});

const most = (results: number, awaited = results) => ({ results, awaited });

test("counts the time from its oldest result on, until that is taken", () => {
  const unreported = new Unreported();
  expect(unreported.oldestMs(50)).toBe(0);
  unreported.add(success(0), 100, 10);
  unreported.add(success(1), 200, 30);
  expect(unreported).toMatchObject({
    count: 2,
    bytes: 300,
    positions: [0, 1],
  });
  expect(unreported.oldestMs(50)).toBe(40);
  expect(unreported.awaited).toBe(false);
  expect(unreported.takeBatch(most(1)).results).toEqual([success(0)]);
  expect(unreported.oldestMs(50)).toBe(20);
  expect(unreported).toMatchObject({ count: 1, bytes: 200, positions: [1] });
});

test("says whether a callback waits for any of them", () => {
  const unreported = new Unreported();
  unreported.add(success(0), 10, 0, true);
  unreported.add(success(1), 10, 0);
  expect(unreported.awaited).toBe(true);
  expect(unreported.takeBatch(most(1)).awaited).toBe(1);
  expect(unreported.awaited).toBe(false);
});

test("brings attempts that were not begun back as they came, and says which an executor was too old for", () => {
  const attempt: Attempt = {
    position: 4,
    workId: "w4" as Id<"work">,
    fence: 7,
    fnType: "action",
    fnHandle: "w4",
    fnName: "jobs:act",
    fnArgs: {},
    size: 500_000,
  };
  const unreported = new Unreported();
  unreported.addReturned(attempt, 20);
  unreported.addReturned(attempt, 20, true);
  expect(unreported.bytes).toBe(0);
  const same = { position: 4, workId: "w4", fence: 7, startedAt: 20 };
  expect(unreported.takeBatch(most(MAX_RESULTS)).results).toEqual([
    { ...same, outcome: { kind: "returned" } },
    { ...same, outcome: { kind: "returned", tooOld: true } },
  ]);
});

describe("a report takes", () => {
  const unreported = (count: number, bytes = 10) =>
    Array.from({ length: count }, (_, position) => ({
      since: 0,
      bytes,
      awaited: false,
      result: {
        position,
        workId: `w${position}` as Id<"work">,
        fence: 0,
        startedAt: 0,
        outcome: { kind: "success" as const, returnValue: "done" },
      },
    }));
  const positions = (list: { result: AttemptResult }[]) =>
    list.map(({ result }) => result.position);

  test("all there is, when it is little, in order", () => {
    const all = unreported(5);
    expect(positions(takeBatch(all, most(MAX_RESULTS)))).toEqual([
      0, 1, 2, 3, 4,
    ]);
    expect(all).toEqual([]);
  });

  test("no more results than their callbacks have time for", () => {
    const all = unreported(MAX_RESULTS + 30);
    expect(takeBatch(all, most(MAX_RESULTS))).toHaveLength(MAX_RESULTS);
    expect(all[0]!.result.position).toBe(MAX_RESULTS);
  });

  test("no more results with callbacks than it may, and others up to the next of them", () => {
    const all = unreported(6).map((each, index) => ({
      ...each,
      awaited: index % 2 === 1,
    }));
    expect(positions(takeBatch(all, most(MAX_RESULTS, 1)))).toEqual([0, 1, 2]);
    expect(positions(takeBatch(all, most(MAX_RESULTS, 1)))).toEqual([3, 4]);
    expect(positions(takeBatch(all, most(MAX_RESULTS, 1)))).toEqual([5]);
  });

  test("no more bytes than a transaction takes, but at least one result", () => {
    expect(takeBatch(unreported(5, 1_000_000), most(MAX_RESULTS))).toHaveLength(
      3,
    );
    const huge = unreported(2, 4_000_000);
    expect(takeBatch(huge, most(MAX_RESULTS))).toHaveLength(1);
    expect(takeBatch(huge, most(MAX_RESULTS))).toHaveLength(1);
    expect(takeBatch(huge, most(MAX_RESULTS))).toHaveLength(0);
  });

  test("every result exactly once, however large they are", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2_000_000), { maxLength: 8 }), (sizes) => {
        const all = sizes.map((bytes, position) => {
          const [entry] = unreported(1, bytes);
          return { ...entry!, result: { ...entry!.result, position } };
        });
        const taken: { result: AttemptResult }[] = [];
        while (all.length > 0) {
          const batch = takeBatch(all, most(MAX_RESULTS));
          expect(batch.length).toBeGreaterThan(0);
          const bytes = positions(batch).reduce(
            (sum, position) => sum + sizes[position]!,
            0,
          );
          if (batch.length > 1) expect(bytes).toBeLessThanOrEqual(3_000_000);
          taken.push(...batch);
        }
        expect(positions(taken)).toEqual(sizes.map((_, index) => index));
      }),
      { numRuns: 20 },
    );
  });
});

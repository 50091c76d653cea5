import { expect, test } from "vitest";
import type { Id } from "../_generated/dataModel.js";
import type { Attempt } from "../loop/attempt.js";
import type { AttemptResult } from "./protocol.js";
import { MAX_RESULTS } from "./step.js";
import { Unreported } from "./unreported.js";

const success = (position: number): AttemptResult => ({
  position,
  workId: `w${position}` as Id<"work">,
  fence: 0,
  startedAt: 0,
  outcome: { kind: "success", returnValue: null },
});

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
  expect(unreported.takeBatch(1)).toEqual([success(0)]);
  expect(unreported.oldestMs(50)).toBe(20);
  expect(unreported).toMatchObject({ count: 1, bytes: 200, positions: [1] });
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
  expect(unreported.takeBatch(MAX_RESULTS)).toEqual([
    { ...same, outcome: { kind: "returned" } },
    { ...same, outcome: { kind: "returned", tooOld: true } },
  ]);
});

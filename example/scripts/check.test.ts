import { expect, test } from "vitest";
import type { Receiver } from "../receivers/roster.js";
import { compare, type Recorded } from "./check.js";

const healthy: Receiver = {
  name: "audit-log",
  events: ["*"],
  behavior: "healthy",
  timeoutMs: 1000,
};
const gone: Receiver = { ...healthy, name: "old-crm", behavior: "gone" };

const sent = [{ guid: "g1", name: "push" }];
const recorded: Recorded = {
  endpoint: "audit-log",
  guid: "g1",
  phase: "success",
  attempts: 1,
};
const seen = {
  guid: "g1",
  event: "push",
  requests: 1,
  accepted: 1,
  badSignatures: 0,
};

function problemsAt(
  receiver: Receiver,
  record: Recorded[],
  saw: (typeof seen)[],
): string[] {
  const log = new Map(saw.map((s) => [`${s.guid}.${receiver.name}`, s]));
  return compare(receiver, sent, record, log).problems;
}

test("what was accepted once and recorded as such is right", () => {
  expect(problemsAt(healthy, [recorded], [seen])).toEqual([]);
});

test.each([
  ["never recorded", [], [seen], /recorded 0 times/],
  ["recorded twice", [recorded, recorded], [seen], /recorded 2 times/],
  ["never seen", [recorded], [], /never saw it/],
  [
    "accepted twice",
    [{ ...recorded, attempts: 2 }],
    [{ ...seen, requests: 2, accepted: 2 }],
    /accepted 2 times/,
  ],
  [
    "wrongly signed",
    [recorded],
    [{ ...seen, badSignatures: 1 }],
    /bad signature/,
  ],
  [
    "tried more often than recorded",
    [recorded],
    [{ ...seen, requests: 2 }],
    /1 attempt recorded, 2 seen/,
  ],
  [
    "tried more often than its receiver calls for",
    [{ ...recorded, attempts: 2 }],
    [{ ...seen, requests: 2 }],
    /took 2 attempts, not 1/,
  ],
  ["given up", [{ ...recorded, phase: "failed" }], [seen], /not success/],
])("a delivery %s is a problem", (_, record, saw, problem) => {
  const problems = problemsAt(healthy, record, saw);
  expect(problems.length).toBeGreaterThan(0);
  expect(problems[0]).toMatch(problem);
});

test("a receiver that is gone has to be given up for that reason", () => {
  const refused = { ...seen, accepted: 0 };
  const failed = {
    ...recorded,
    endpoint: "old-crm",
    phase: "failed",
    error: "old-crm answered 410: this integration was removed",
  };
  expect(problemsAt(gone, [failed], [refused])).toEqual([]);
  expect(problemsAt(gone, [{ ...failed, error: "oops" }], [refused])).toEqual([
    "g1: failed for the wrong reason: oops",
  ]);
});

import { expect, test } from "vitest";
import { phaseOf } from "./progress.js";

const OPEN = { startedAt: 1_000 };
const FAILED = { startedAt: 1_000, durationMs: 20, error: "busy" };

const pending = (previousAttempts: number) => ({
  state: "pending" as const,
  previousAttempts,
});
const given = (previousAttempts: number) => ({
  state: "running" as const,
  previousAttempts,
});

test.each([
  ["what waits for its turn", pending(0), [], "queued"],
  ["what waits for its next attempt", pending(1), [FAILED], "retrying"],
  ["what a worker has and has not begun", given(0), [], "claimed"],
  ["a retry that has not begun", given(1), [FAILED], "claimed"],
  ["an attempt that has begun", given(0), [OPEN], "running"],
  ["a second attempt that has begun", given(1), [FAILED, OPEN], "running"],
  [
    "an attempt over, of which the pool knows not",
    given(0),
    [FAILED],
    "finishing",
  ],
  ["what ended just now", { state: "finished" as const }, [OPEN], "finishing"],
])("%s", (_, status, attempts, expected) => {
  expect(phaseOf(status, attempts)).toBe(expected);
});

import { describe, expect, test } from "vitest";
import { MINUTE, SECOND } from "../shared.js";
import { fateOf } from "./fate.js";

const NOW = 1_700_000_000_000;
const ago = (ms: number) => NOW - ms;
const alive = { kind: "alive" };
type Job = NonNullable<Parameters<typeof fateOf>[0]>;
const inState = (kind: "pending" | "inProgress" | "success" | "canceled") =>
  ({ state: { kind } }) satisfies Job;
const failedWith = (error: string): Job => ({
  state: { kind: "failed", error },
});
const startedAt = (startedAt: number) => ({ startedAt });
const reported = (lastReportAt: number) => ({ lastReportAt });

describe("an executor is alive", () => {
  test.each([
    ["while its scheduled function waits, however long", inState("pending")],
    ["while its scheduled function runs", inState("inProgress")],
  ])("%s", (_, job) => {
    const since = job.state.kind === "pending" ? ago(90 * MINUTE) : ago(MINUTE);
    expect(fateOf(job, startedAt(since), null, NOW)).toEqual(alive);
  });

  test("for a while after a cancelation, because Convex does not interrupt it", () => {
    const job = inState("canceled");
    const executor = startedAt(ago(5 * MINUTE));
    const recent = reported(ago(9 * MINUTE));
    expect(fateOf(job, executor, recent, NOW)).toEqual(alive);
    // It began with works in hand, and reports when the first of them ends.
    expect(fateOf(job, startedAt(ago(9 * MINUTE)), null, NOW)).toEqual(alive);
  });
});

describe("an executor is lost", () => {
  test.each([
    ["when its scheduled function is gone", null, "gone"],
    ["when it ended without a last report", inState("success"), "last report"],
    ["when it failed", failedWith("Out of memory"), "Out of memory"],
  ])("%s", (_, job, why) => {
    for (const stats of [null, reported(ago(SECOND))]) {
      expect(fateOf(job, startedAt(ago(SECOND)), stats, NOW)).toMatchObject({
        kind: "lost",
        why: expect.stringContaining(why),
      });
    }
  });

  test("when it has been quiet for longer than any action may run", () => {
    const old = startedAt(ago(92 * MINUTE));
    const job = inState("inProgress");
    expect(fateOf(job, old, null, NOW).kind).toBe("lost");
    expect(fateOf(job, old, reported(ago(32 * MINUTE)), NOW).kind).toBe("lost");
    // It may have waited for its permit, or have reported since.
    expect(fateOf(job, startedAt(ago(40 * MINUTE)), null, NOW)).toEqual(alive);
    expect(fateOf(job, old, reported(ago(9 * MINUTE)), NOW)).toEqual(alive);
  });

  test("when it was canceled and has been quiet for long", () => {
    const job = inState("canceled");
    const quiet = reported(ago(11 * MINUTE));
    expect(fateOf(job, startedAt(ago(20 * MINUTE)), quiet, NOW).kind).toBe(
      "lost",
    );
    expect(fateOf(job, startedAt(ago(11 * MINUTE)), null, NOW).kind).toBe(
      "lost",
    );
  });
});

describe("works of a lost executor run apart from others", () => {
  const isolated = (job: Job | null) => {
    const fate = fateOf(job, startedAt(ago(SECOND)), null, NOW);
    return fate.kind === "lost" && fate.byMemory;
  };

  test("when one of them may have taken it down", () => {
    expect(isolated(failedWith("JavaScript execution ran out of memory"))).toBe(
      true,
    );
  });

  test.each([
    "Transient error while executing action",
    "Function execution timed out (maximum duration 1800s)",
    "InternalServerError: Your request couldn't be completed. Try again later.",
  ])("but not after %s, which proves nothing against them", (error) => {
    expect(isolated(failedWith(error))).toBe(false);
  });

  test("and not when there is nothing that says so", () => {
    expect(isolated(null)).toBe(false);
    expect(isolated(inState("success"))).toBe(false);
  });
});

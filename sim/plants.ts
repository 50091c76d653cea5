/**
 * Bugs to plant, each a textual patch of the component. That each is found is
 * what shows that the simulation's checks see.
 */
import type { Patch } from "./versions.js";

export interface Plant {
  name: string;
  /** What is broken by it. */
  what: string;
  patches: readonly Patch[];
  /** A seed, the first or an early one, in whose history it was found: where the test begins to look. */
  seed: number;
}

const inComponent = (
  file: string,
  text: string,
  replacement: string,
): Patch => ({ file: `src/component/${file}`, text, replacement });

export const PLANTS: readonly Plant[] = [
  {
    name: "late-commit-skipped",
    what: "The queue is read in the order of the clock, not of the commits.",
    patches: [
      inComponent(
        "queue/entries.ts",
        "commitTs: ctx.db.vars.commitTs,",
        "commitTs: BigInt(Date.now()) * 1_000_000n,",
      ),
    ],
    seed: 39,
  },
  {
    name: "parks-unseeing",
    what: "The loop parks without looking again at what it is about to ignore.",
    patches: [
      inComponent(
        "loop/transition.ts",
        "if (parks) return await confirmPark(turn);",
        "",
      ),
    ],
    seed: 40,
  },
  {
    name: "late-result-unfenced",
    what: "A result that arrives twice, or late, counts.",
    patches: [
      inComponent(
        "executor/results.ts",
        "if (!work || (work.fence ?? 0) !== fence) {",
        "if (!work) {",
      ),
      inComponent(
        "executor/report.ts",
        "args.results.filter(({ position }) => open.has(position));",
        "args.results;",
      ),
    ],
    seed: 162,
  },
  {
    name: "callback-twice",
    what: "A callback that ran with its outcome is owed all the same.",
    patches: [
      inComponent(
        "work/outcome.ts",
        `  await isOver();
  return null;
}`,
        "  return { ...owed, attempts: 0 };\n}",
      ),
    ],
    seed: 1,
  },
  {
    name: "callback-forgotten",
    what: "Nobody looks after a callback whose delivery was lost.",
    patches: [
      inComponent(
        "loop/recover.ts",
        "await sweepOverdueCallbacks(ctx, console);",
        "",
      ),
    ],
    seed: 121,
  },
  {
    name: "callback-of-excluded-kind",
    what: "Callbacks run whatever kinds were excluded.",
    patches: [
      inComponent(
        "work/outcome.ts",
        "if (!onComplete || onComplete.excludeKinds?.includes(result.kind)) {",
        "if (!onComplete) {",
      ),
    ],
    seed: 2,
  },
  {
    name: "kick-lost",
    what: "Nobody wakes a saturated loop.",
    patches: [
      inComponent(
        "queue/wake.ts",
        'return reason.kind === "work" && !reason.isWatched ? "none" : "tick";',
        'return "none";',
      ),
    ],
    seed: 43,
  },
  {
    name: "earlier-work-waits",
    what: "A loop that waits for a due time is not woken for earlier work.",
    patches: [
      inComponent(
        "queue/wake.ts",
        'return reason.dueAt < status.state.at ? "tick" : "none";',
        'return "none";',
      ),
    ],
    seed: 2,
  },
  {
    name: "slot-leaked",
    what: "Works taken back from an executor still count as its own.",
    patches: [
      inComponent(
        "loop/executors.ts",
        "stats.cursor = handOver.first + taken;",
        "",
      ),
    ],
    seed: 14,
  },
  {
    name: "limit-off-by-one",
    what: "One more handler may run than the limit says.",
    patches: [
      inComponent(
        "loop/lease.ts",
        "left - leaseOf(each), limit);",
        "left - leaseOf(each), limit + 1);",
      ),
    ],
    seed: 1,
  },
  {
    name: "old-lease-counts",
    what: "Leases from before the limit changed stay, and get new work.",
    patches: [
      inComponent(
        "executor/reply.ts",
        "executor.epoch !== epoch || executor.width === 0",
        "executor.width === 0",
      ),
      inComponent(
        "loop/executors.ts",
        "if (living.every((executor) => executor.epoch === epoch)) {",
        "if (living.length >= 0) {",
      ),
    ],
    seed: 15,
  },
  {
    name: "watchdog-not-armed",
    what: "Nobody watches living executors.",
    patches: [
      inComponent(
        "loop/watchdog.ts",
        'if (hasExecutors || waits || state.kind === "running") {',
        'if (state.kind === "running") {',
      ),
    ],
    seed: 1,
  },
  {
    name: "loss-not-noticed",
    what: "What a dead executor had is never taken up again.",
    patches: [
      inComponent(
        "loop/losses.ts",
        'if (fate.kind === "lost" || holds) found.push(_id);',
        "if (holds) found.push(_id);",
      ),
    ],
    seed: 1,
  },
  {
    name: "recovered-for-free",
    what: "An action that was lost with its executor runs again, whatever its retry behaviour.",
    patches: [
      inComponent(
        "work/settle.ts",
        'if (work.fnType !== "action") {',
        "if (true as boolean) {",
      ),
    ],
    seed: 4,
  },
  {
    name: "cancel-only-marks",
    what: "A pending work that is canceled stays in the queue.",
    patches: [
      inComponent(
        "work/cancel.ts",
        "work.follows !== undefined || (await this.#queue.take(work)) !== null;",
        "false;",
      ),
    ],
    seed: 2,
  },
  {
    name: "canceled-and-retried",
    what: "A work that was canceled while it ran is retried.",
    patches: [
      inComponent(
        "work/settle.ts",
        `    attempts < retryBehavior.maxAttempts;
  if (work.canceled) {`,
        `    attempts < retryBehavior.maxAttempts;
  if (work.canceled && !mayRetry) {`,
      ),
      inComponent(
        "work/settler.ts",
        "if (work?.canceled) {",
        "if (false as boolean) {",
      ),
    ],
    seed: 10,
  },
  {
    name: "attempts-forgotten",
    what: "A retry forgets how many attempts there were.",
    patches: [
      inComponent(
        "work/settle.ts",
        "patch: { ...after, ...(leavesQuarantine",
        "patch: { lastError: error, history, ...(leavesQuarantine",
      ),
    ],
    seed: 2,
  },
  {
    name: "held-sent-again",
    what: "An executor is sent again what it has.",
    patches: [
      inComponent(
        "executor/reply.ts",
        ".filter((position) => !held.has(position))",
        "",
      ),
    ],
    seed: 1,
  },
  {
    name: "hand-over-kept",
    what: "A hand-over is not deleted with its last work.",
    patches: [
      inComponent(
        "loop/positions.ts",
        'else if (runningId) await ctx.db.delete("running", runningId);',
        "",
      ),
    ],
    seed: 1,
  },
  {
    name: "closing-not-read-again",
    what: "The loop hands over to executors that have left since its snapshot.",
    patches: [
      inComponent(
        "loop/start.ts",
        "if (!leases.has(executorId) && !this.isReporting(executorId)) {",
        "if (false as boolean) {",
      ),
    ],
    seed: 30,
  },
  {
    name: "generation-ignored",
    what: "A tick acts whatever generation it is of.",
    patches: [
      inComponent(
        "loop/wanted.ts",
        "return (status?.generation ?? 0n) === generation;",
        "return true;",
      ),
      inComponent(
        "loop/turn.ts",
        "return status.generation === caller.generation && isLink(caller, state);",
        "return true;",
      ),
    ],
    seed: 1,
  },
  {
    name: "payload-kept",
    what: "Large arguments are never deleted.",
    patches: [
      inComponent("work/kept.ts", "await deletePayload(ctx, argsId);", ""),
    ],
    seed: 2,
  },
];

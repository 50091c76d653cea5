/** Bugs to plant that histories of the profile `corners` find, each by the check it is there for. */
import type { Plant } from "../plants.js";

export interface CornerPlant extends Plant {
  /** The rule that finds it: any other violation says nothing about that check. */
  rule: string;
}

const inComponent = (file: string, text: string, replacement: string) => ({
  file: `src/component/${file}`,
  text,
  replacement,
});

export const CORNER_PLANTS: readonly CornerPlant[] = [
  {
    name: "loop-dawdles",
    what: "The loop looks once in half a minute.",
    rule: "slots stand empty while works wait",
    patches: [
      inComponent("shared.ts", "SEGMENT_MS = 100;", "SEGMENT_MS = 30_000;"),
    ],
    seed: 1,
  },
  {
    name: "retries-forgotten",
    what: "A work that was lost fails, though it has attempts left.",
    rule: "failure that nothing explains",
    patches: [
      inComponent(
        "executor/results.ts",
        "ended < work.retryBehavior.maxAttempts;",
        "ended < 1;",
      ),
    ],
    seed: 1,
  },
  {
    name: "overload-fails",
    what: "An action that the platform had no room for counts as failed.",
    rule: "failure that nothing explains",
    patches: [
      inComponent(
        "executor/attempt.ts",
        "if (wasNotStarted(error)) {",
        "if (false as boolean) {",
      ),
    ],
    seed: 1,
  },
  {
    name: "results-unmeasured",
    what: "A report has as many results as there are, however large.",
    rule: "transaction that is too large",
    patches: [
      inComponent(
        "executor/attempt.ts",
        "return getConvexSize(outcome.returnValue as Value) + RESULT_OVERHEAD;",
        "return RESULT_OVERHEAD;",
      ),
    ],
    seed: 1,
  },
  {
    name: "never-leaves",
    what: "An executor takes new work for as long as it lives.",
    rule: "executor that died by itself",
    patches: [inComponent("executor/step.ts", "now.outOfTime ||", "")],
    seed: 1,
  },
  {
    name: "loss-stays",
    what: "What a dead executor had begun is not taken up again.",
    rule: "lost work that does not go on",
    patches: [
      inComponent(
        "loop/losses.ts",
        'if (fate.kind === "lost" || holds) found.push(_id);',
        "if (holds) found.push(_id);",
      ),
    ],
    seed: 1,
  },
];

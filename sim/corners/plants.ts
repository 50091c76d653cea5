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
    seed: 8,
  },
  {
    name: "watch-fails",
    what: "The watchdog fails where somebody is lost.",
    rule: "scheduled mutation that failed",
    patches: [
      inComponent(
        "loop/watch.ts",
        "const executors = await needingRecovery(ctx, view, now);",
        `const executors = await needingRecovery(ctx, view, now);
  if (executors.length > 0) throw new Error("planted");`,
      ),
    ],
    seed: 3,
  },
  {
    name: "start-unbounded",
    what: "An executor is started with all of its works, however large.",
    rule: "transaction that is too large",
    patches: [
      inComponent(
        "loop/start.ts",
        "MAX_START_BYTES = 400_000;",
        "MAX_START_BYTES = 400_000_000;",
      ),
    ],
    seed: 31,
  },
  {
    name: "long-asks-seldom",
    what: "An executor opened for long works asks every five seconds, whatever slots it has.",
    rule: "slots stand empty while works wait",
    patches: [
      inComponent(
        "executor/step.ts",
        "const isFull = now.long && held > 0 && !closing && !runsDry(now, free);",
        "const isFull = now.long;",
      ),
    ],
    seed: 15,
  },
  {
    name: "retries-forgotten",
    what: "A work that was lost fails, though it has attempts left.",
    rule: "failure that nothing explains",
    patches: [
      inComponent(
        "work/settle.ts",
        "attempts < retryBehavior.maxAttempts;",
        "attempts < 1;",
      ),
    ],
    seed: 3,
  },
  {
    name: "begins-too-late",
    what: "A work begins however old its executor is.",
    rule: "executor that died by itself",
    patches: [
      inComponent(
        "executor/lifetime.ts",
        "return ageMs + needed <= ACTION_LIMIT_MS;",
        "return ageMs >= 0 || needed > 0;",
      ),
      inComponent("executor/step.ts", "now.outOfTime ||", ""),
    ],
    seed: 9,
  },
  {
    name: "class-ignored",
    what: "A pool takes all permits of the class, and more.",
    rule: "more in flight than the class has room for",
    patches: [
      inComponent(
        "loop/classRoom.ts",
        "return permits - Math.min(permits / 4, Math.max(16, permits / 8));",
        "return permits * 100;",
      ),
    ],
    seed: 110,
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
    seed: 6,
  },
];

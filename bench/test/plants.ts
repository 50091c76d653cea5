/**
 * Bugs to plant: each changes one text of the component into what would make
 * the pool wasteful without making it wrong, and names the figure that must
 * tell. `text` stands in `file` exactly once.
 */
export interface Plant {
  bug: string;
  file: string;
  text: string;
  replacement: string;
  /** The smallest scenario that shows it, and its figure. */
  scenario: string;
  figure: string;
}

export const PLANTS: Plant[] = [
  {
    bug: "completing one result per call",
    file: "src/component/executor/step.ts",
    text: "export const MAX_RESULTS = 100;",
    replacement: "export const MAX_RESULTS = 1;",
    scenario: "callbacks",
    figure: "functionCallsPerJob",
  },
  {
    bug: "polling while idle",
    file: "src/component/loop/decide.ts",
    text: "quietMs < outcome.coolDownMs ||",
    replacement: "true ||",
    scenario: "throughput",
    figure: "idleCallsPerMinute",
  },
  {
    bug: "a shared row written at enqueue",
    file: "src/component/work/enqueue.ts",
    text: '  const ids: Id<"work">[] = [];\n',
    replacement: `  const shared = await ctx.db.query("config").first();
  if (shared) {
    const declaredAt = shared.declaredAt + 1;
    await ctx.db.patch("config", shared._id, { declaredAt });
  }
  const ids: Id<"work">[] = [];
`,
    scenario: "storm-idle",
    figure: "conflictsPerJob",
  },
  {
    bug: "no prefetch",
    file: "src/component/executor/ahead.ts",
    text: "const MAX_BUFFER = 400;",
    replacement: "const MAX_BUFFER = 0;",
    scenario: "throughput",
    figure: "slotUtilization",
  },
  {
    bug: "heartbeats that are not joined",
    file: "src/client/attempt.ts",
    text: "const BEAT_EVERY_MS = SECOND;",
    replacement: "const BEAT_EVERY_MS = 0;",
    scenario: "heartbeats-often",
    figure: "callsOfHandlers",
  },
  {
    bug: "attempts that listen every second",
    file: "src/client/attempt.ts",
    text: "const LISTEN_EVERY_MS = 10 * SECOND;",
    replacement: "const LISTEN_EVERY_MS = SECOND;",
    scenario: "attached-short",
    figure: "callsOfHandlers",
  },
  {
    bug: "a scan from the start of the queue",
    file: "src/component/loop/look.ts",
    text: "state?.ready ?? START",
    replacement: "START",
    scenario: "throughput",
    figure: "tombstonesPerJob",
  },
];

/** The line that `--json` prints for a scenario and a pool. */
import type { App } from "../embedded/src/runtime/types.js";
import { costOf, type Cost } from "./cost.js";
import type { Setting } from "./model.js";
import { percentiles, round, type Percentiles } from "./percentiles.js";
import type { Pool } from "./pools.js";
import { Run, type Measured } from "./run.js";
import type { Scenario } from "./scenarios/scenario.js";
import type { Used } from "./used.js";

export interface Result extends Cost {
  scenario: string;
  pool: Pool;
  jobs: number;
  parallelism: number;
  functionCallsPerJob: number;
  /** Of these, the clients' own. */
  clientCallsPerJob: number;
  documentsWrittenPerJob: number;
  bytesWrittenPerJob: number;
  documentsReadPerJob: number;
  bytesReadPerJob: number;
  tombstonesPerJob: number;
  scheduledFunctionsPerJob: number;
  subTransactionsPerJob: number;
  conflictsPerJob: number;
  startLatencyMs: Percentiles | null;
  makespanMs: number | null;
  jobsPerSecond: number | null;
  slotUtilization: number | null;
  idleCallsPerMinute: number | null;
  maxInFlight: number;
  /** What only this scenario measures. */
  extra: Record<string, number | null>;
  /** With `--functions`: what each function did per job. Of calls within a transaction, only their number is known. */
  functions?: Record<string, FunctionShare>;
  /** Why the figures are not those of a pool that did the job. Empty: it did. */
  problems: string[];
}

export interface FunctionShare {
  calls: number;
  subTransactions: number;
  documentsRead: number;
  documentsWritten: number;
  tombstones: number;
  bytes: number;
  conflicts: number;
}

export async function measure(
  app: App,
  scenario: Scenario,
  pool: Pool,
  setting: Setting,
): Promise<Result> {
  const own = {
    ...setting,
    class: scenario.class ?? setting.class,
    transactionMs: scenario.transactionMs ?? setting.transactionMs,
  };
  const open = () => Run.open(app, pool, scenario.parallelism, own);
  const without =
    scenario.without && (await conduct(await open(), scenario.without));
  const { run, measured } = await conduct(await open(), (run) =>
    scenario.measure(run, without?.measured),
  );
  run.problems.push(
    ...(without?.run.problems ?? []).map((problem) => `without: ${problem}`),
  );
  return resultOf(scenario, run, measured);
}

/** From the start of a deployment to its end. */
async function conduct(
  run: Run,
  script: (run: Run) => Promise<Measured>,
): Promise<{ run: Run; measured: Measured }> {
  try {
    const measured = await run.world.run(async () => {
      // A process that has just started looks for work at once; clients come later.
      await run.sleep(1000);
      return await script(run);
    });
    return { run, measured };
  } finally {
    run.world.close();
  }
}

function resultOf(scenario: Scenario, run: Run, measured: Measured): Result {
  const { meter } = run;
  const { used, jobs } = measured;
  const per = (count: number) => round(count / Math.max(1, jobs));
  const makespan =
    meter.lastEnd === null || run.firstEnqueue === null
      ? null
      : meter.lastEnd - run.firstEnqueue;
  if (meter.maxInFlight > scenario.parallelism) {
    run.problems.push(
      `${meter.maxInFlight} handlers in flight where ${scenario.parallelism} are allowed`,
    );
  }
  return {
    scenario: scenario.name,
    pool: run.pool,
    jobs,
    parallelism: scenario.parallelism,
    functionCallsPerJob: per(used.calls),
    clientCallsPerJob: per(used.clientCalls),
    documentsWrittenPerJob: per(used.documentsWritten),
    bytesWrittenPerJob: per(used.bytesWritten),
    documentsReadPerJob: per(used.documentsRead),
    bytesReadPerJob: per(used.bytesRead),
    tombstonesPerJob: per(used.tombstonesScanned),
    scheduledFunctionsPerJob: per(used.scheduled),
    subTransactionsPerJob: per(used.subTransactions),
    conflictsPerJob: per(used.conflicts),
    ...costOf(used, jobs),
    startLatencyMs: percentiles(meter.startLatencies()),
    makespanMs: makespan === null ? null : round(makespan),
    jobsPerSecond:
      makespan === null ? null : round((meter.ended * 1000) / makespan),
    // Of a pool that keeps to its slots.
    slotUtilization:
      scenario.deepQueue && meter.maxInFlight <= scenario.parallelism
        ? roundOrNull(meter.utilization(scenario.parallelism))
        : null,
    idleCallsPerMinute: roundOrNull(measured.idleCallsPerMinute),
    maxInFlight: meter.maxInFlight,
    extra: Object.fromEntries(
      Object.entries(measured.extra ?? {}).map(([name, value]) => [
        name,
        roundOrNull(value),
      ]),
    ),
    ...(run.setting.functions ? { functions: shares(used, per) } : {}),
    problems: summed(run.problems),
  };
}

function shares(
  { byFunction }: Used,
  per: (count: number) => number,
): Record<string, FunctionShare> {
  return Object.fromEntries(
    Object.entries(byFunction)
      .filter(([, used]) => used.calls + used.subTransactions > 0)
      .map(([name, used]) => [
        name,
        {
          calls: per(used.calls),
          subTransactions: per(used.subTransactions),
          documentsRead: per(used.documentsRead),
          documentsWritten: per(used.documentsWritten),
          tombstones: per(used.tombstonesScanned),
          bytes: per(used.bytesRead + used.bytesWritten),
          conflicts: per(used.conflicts),
        },
      ]),
  );
}

/** The same problem many times is said once. */
function summed(problems: string[]): string[] {
  const times = new Map<string, number>();
  for (const problem of problems) {
    times.set(problem, (times.get(problem) ?? 0) + 1);
  }
  return [...times].map(([problem, count]) =>
    count === 1 ? problem : `${problem} (${count} times)`,
  );
}

function roundOrNull(value: number | null): number | null {
  return value === null ? null : round(value);
}

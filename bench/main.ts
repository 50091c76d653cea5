/** `npm run bench`: every scenario for every pool, beside each other. */
import type { App } from "../embedded/src/runtime/types.js";
import {
  acceptBaseline,
  CHECK_SCALES,
  compare,
  readBaseline,
} from "./baseline.js";
import { writeCharts } from "./charts.js";
import { goals } from "./goals.js";
import { DEFAULT_SETTING, type Setting } from "./model.js";
import { parseOptions, USAGE, type Options } from "./options.js";
import { POOLS } from "./pools.js";
import { publish } from "./publish.js";
import { pushedApp } from "./push.js";
import { measureRemotely } from "./remote.js";
import { asText } from "./render.js";
import type { Result } from "./result.js";
import { sweepRows, sweepTasks } from "./sweep.js";
import {
  functionsTable,
  goalsTable,
  remoteTable,
  resultsTable,
  sweepTable,
} from "./tables.js";
import type { Task } from "./worker.js";
import { measureAll } from "./workers.js";

let options: Options | null;
try {
  options = parseOptions(process.argv.slice(2));
} catch (error) {
  console.error((error as Error).message);
  process.exit(2);
}
if (options === null) console.log(USAGE);
else process.exitCode = await run(options);

async function run(options: Options): Promise<number> {
  if (options.target !== null) return remotely(options, options.target);
  const app = await pushedApp();
  switch (options.mode) {
    case "compare":
    case "accept":
      return check(app, options, options.mode);
    case "sweep":
      return sweep(app, options);
    case "publish":
      return publishAll(app, options);
    case "show":
      await everything(app, options);
      return 0;
  }
}

async function everything(app: App, options: Options): Promise<Result[]> {
  const { scenarios, pools, setting, json } = options;
  const results = await measured(
    app,
    scenarios.flatMap(({ name, pools: able = POOLS }) =>
      pools
        .filter((pool) => able.includes(pool))
        .map((pool) => ({ scenario: name, pool, setting })),
    ),
    json,
  );
  if (!json) {
    console.log(`\n${asText(resultsTable(results))}`);
    if (setting.functions) {
      console.log(`\n${asText(functionsTable(results))}`);
    }
    const rows = goals(results);
    if (rows.length > 0 && isTheModel(setting)) {
      console.log(`\n${asText(goalsTable(rows))}`);
    }
  }
  return results;
}

/** Goals are set for the scenarios and the model as they are. */
function isTheModel({ scale, latency, ops, class: size }: Setting): boolean {
  const model = DEFAULT_SETTING;
  return (
    scale === model.scale &&
    latency === model.latency &&
    ops === model.ops &&
    size === model.class
  );
}

async function sweep(app: App, { setting, json }: Options): Promise<number> {
  const results = await measured(app, sweepTasks(setting), json);
  if (!json) console.log(`\n${asText(sweepTable(sweepRows(results)))}`);
  return 0;
}

async function publishAll(app: App, options: Options): Promise<number> {
  const results = await everything(app, options);
  const swept = await measured(app, sweepTasks(options.setting), options.json);
  const files = await publish(
    {
      goals: goalsTable(goals(results)),
      results: resultsTable(results),
      sweep: sweepTable(sweepRows(swept)),
    },
    () => writeCharts(results),
    new Date().toISOString().slice(0, 10),
  );
  console.error(`Written: ${files.join(", ")}`);
  return 0;
}

/** Our pool alone, small, against the committed baseline. */
async function check(
  app: App,
  { scenarios, setting, json }: Options,
  mode: "compare" | "accept",
): Promise<number> {
  const tasks = scenarios
    .filter(({ name }) => name in CHECK_SCALES)
    .map(({ name }) => ({
      scenario: name,
      pool: "workpool" as const,
      setting: { ...setting, scale: CHECK_SCALES[name]! },
    }));
  const results = await measured(app, tasks, json);
  if (!json) console.log(`\n${asText(resultsTable(results))}`);
  if (mode === "accept") {
    acceptBaseline(results);
    return 0;
  }
  const { violations, improvements } = compare(results, readBaseline());
  if (improvements.length > 0) {
    console.error(
      `\nBetter than the baseline; \`--accept\` keeps it:\n${improvements.join("\n")}`,
    );
  }
  console.error(
    violations.length === 0
      ? "\nNo figure is worse than its baseline."
      : `\nWorse than the baseline:\n${violations.join("\n")}`,
  );
  return violations.length === 0 ? 0 : 1;
}

async function measured(
  app: App,
  tasks: Task[],
  json: boolean,
): Promise<Result[]> {
  const start = performance.now();
  const results = await measureAll(app, tasks, (result, wallMs) => {
    if (json) console.log(JSON.stringify(result));
    else {
      const seconds = (wallMs / 1000).toFixed(1);
      console.error(`${result.scenario}, ${result.pool}: ${seconds} s`);
    }
  });
  const minutes = ((performance.now() - start) / 60_000).toFixed(1);
  console.error(`\n${results.length} measurements in ${minutes} minutes`);
  return results;
}

async function remotely(
  { scenarios, pools, setting, json }: Options,
  target: { url: string; adminKey: string },
): Promise<number> {
  const results = await measureRemotely(
    target,
    scenarios,
    pools,
    setting,
    (result) => {
      if (json) console.log(JSON.stringify(result));
      else console.error(`${result.scenario}, ${result.pool}: measured`);
    },
  );
  if (!json) console.log(`\n${asText(remoteTable(results))}`);
  return 0;
}

/** `npm run sim`: simulated histories of the component. */
import type { HistoryResult } from "./history.js";
import { type Options, parseOptions, USAGE } from "./options.js";
import { runTask, type Task, tasksOf } from "./profiles.js";
import { pushedVersions } from "./versions.js";
import { describeViolation } from "./violation.js";
import { runHistories } from "./workers.js";

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
  const { profiles, from, seeds, trace, plant } = options;
  const versions = await pushedVersions(plant ? plant.patches : []);
  const total = { seeds: 0, commits: 0, faults: 0, violations: 0 };
  const add = (task: Task, result: HistoryResult): void => {
    total.seeds += 1;
    total.commits += result.commits;
    total.faults += result.faults;
    total.violations += result.violations.length;
    tell(task, result, plant?.name);
  };
  const tasks = tasksOf(profiles, from, seeds);
  if (seeds === 1) {
    const [task] = tasks as [Task];
    add(task, await runTask(versions, task, trace ? console.log : null));
  } else {
    await runHistories(versions, tasks, add);
  }
  console.log(
    Object.entries(total)
      .map(([name, count]) => `${name} ${count}`)
      .join(", "),
  );
  return total.violations > 0 ? 1 : 0;
}

function tell(
  { profile, seed }: Task,
  { violations }: HistoryResult,
  plant?: string,
): void {
  if (violations.length === 0) return;
  for (const violation of violations) {
    console.log(`${profile} seed ${seed}: ${describeViolation(violation)}`);
  }
  const planted = plant ? ` --plant ${plant}` : "";
  console.log(
    `  npm run sim -- --profile ${profile} --seed ${seed} --trace${planted}`,
  );
}

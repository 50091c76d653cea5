/** `npm run sim`: simulated histories of the component. */
import type { HistoryResult } from "./history.js";
import { runHistory } from "./history.js";
import { type Options, parseOptions, USAGE } from "./options.js";
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

async function run({ from, seeds, trace, plant }: Options): Promise<number> {
  const versions = await pushedVersions(plant ? plant.patches : []);
  const total = { seeds: 0, commits: 0, faults: 0, violations: 0 };
  const add = (result: HistoryResult): void => {
    total.seeds += 1;
    total.commits += result.commits;
    total.faults += result.faults;
    total.violations += result.violations.length;
    tell(result, plant?.name);
  };
  if (seeds === 1) {
    add(await runHistory(versions, from, trace ? console.log : null));
  } else {
    const numbers = Array.from({ length: seeds }, (_, index) => from + index);
    await runHistories(versions, numbers, add);
  }
  console.log(
    Object.entries(total)
      .map(([name, count]) => `${name} ${count}`)
      .join(", "),
  );
  return total.violations > 0 ? 1 : 0;
}

function tell({ seed, violations }: HistoryResult, plant?: string): void {
  if (violations.length === 0) return;
  for (const violation of violations) {
    console.log(`seed ${seed}: ${describeViolation(violation)}`);
  }
  console.log(
    `  npm run sim -- --seed ${seed} --trace${plant ? ` --plant ${plant}` : ""}`,
  );
}

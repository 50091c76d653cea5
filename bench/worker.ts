/** A process that measures what it is told to, one measurement after the other. */
import { readFileSync } from "node:fs";
import type { App } from "../embedded/src/runtime/types.js";
import type { Setting } from "./model.js";
import type { Pool } from "./pools.js";
import { measure, type Result } from "./result.js";
import { SCENARIOS } from "./scenarios/index.js";

export interface Task {
  scenario: string;
  pool: Pool;
  setting: Setting;
}

export type Answer = { result: Result; wallMs: number } | { failure: string };

const app = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as App;

process.on("message", (task: Task) => {
  void answer(task).then((said) => process.send!(said));
});

async function answer({ scenario, pool, setting }: Task): Promise<Answer> {
  const found = SCENARIOS.find(({ name }) => name === scenario)!;
  const start = performance.now();
  try {
    const result = await measure(app, found, pool, setting);
    return { result, wallMs: performance.now() - start };
  } catch (error) {
    return { failure: String((error as Error).stack ?? error) };
  }
}

/// <reference types="vite/client" />
import type { TestConvex } from "convex-test";
import type { GenericSchema, SchemaDefinition } from "convex/server";
import type { ThisWork } from "./client/index.js";
import schema from "./component/schema.js";
import { testWire } from "./component/work/wire.js";

const modules = import.meta.glob("./component/**/*.ts");

/**
 * Registers the component with `convex-test`:
 *
 * ```ts
 * import { convexTest } from "convex-test";
 * import { register } from "convex-workpool/test";
 *
 * const t = convexTest(schema, modules);
 * register(t);
 * ```
 *
 * With fake timers, `t.finishAllScheduledFunctions(vi.runAllTimers)` runs all
 * work there is to its end.
 *
 * @param t - What `convexTest` returned.
 * @param name - The name the component is mounted under in `convex.config.ts`.
 */
export function register<
  Schema extends SchemaDefinition<GenericSchema, boolean>,
>(t: TestConvex<Schema>, name: string = "workpool"): void {
  t.registerComponent(name, schema, modules);
}

/**
 * What a function gets for `thisWork`, for tests that call it themselves:
 *
 * ```ts
 * await t.action(internal.docs.summarize, { pages: [], work: testWork() });
 * ```
 *
 * No pool is asked about it: nothing cancels it, and what it says of itself goes nowhere.
 *
 * @param attempt.number - The how many-th attempt it is. Default: 1.
 * @param attempt.deadline - When it times out, in milliseconds since 1970. Default: never.
 */
export function testWork(
  attempt: { number?: number; deadline?: number } = {},
): ThisWork {
  return testWire(attempt) as ThisWork;
}

export default { register, schema, modules };

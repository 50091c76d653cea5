/// <reference types="vite/client" />
import type { TestConvex } from "convex-test";
import type { GenericSchema, SchemaDefinition } from "convex/server";
import schema from "./component/schema.js";

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

export default { register, schema, modules };

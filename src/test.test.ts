import { convexTest } from "convex-test";
import { componentsGeneric } from "convex/server";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Workpool } from "./client/index.js";
import type { ComponentApi } from "./component/_generated/component.js";
import { modules, jobs } from "./testing/app.js";
import appSchema from "./testing/app/schema.js";
import workpool, { register } from "./test.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("two pools under names of their own drain side by side", async () => {
  const t = convexTest(appSchema, modules);
  register(t, "emails");
  workpool.register(t as never, "reports");
  await t.mutation(async (ctx) => {
    for (const name of ["emails", "reports"]) {
      const pool = new Workpool(
        componentsGeneric()[name] as unknown as ComponentApi,
        { logLevel: "ERROR" },
      );
      await pool.enqueueMutation(ctx as never, jobs.mutate!, { key: name });
    }
  });
  await t.finishAllScheduledFunctions(vi.runAllTimers);
  const effects = await t.run((ctx) => ctx.db.query("effects").collect());
  expect(effects.map(({ key }) => key).sort()).toEqual(["emails", "reports"]);
});

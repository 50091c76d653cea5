/** An app with the pool mounted, on `convex-test`, for tests that run work. */
import { convexTest, type TestConvex } from "convex-test";
import {
  anyApi,
  componentsGeneric,
  type GenericDataModel,
  type GenericMutationCtx,
} from "convex/server";
import { Workpool, type WorkpoolOptions } from "../client/index.js";
import type { ComponentApi } from "../component/_generated/component.js";
import { register } from "../test.js";
import { inFlight } from "./app/jobs.js";
import schema from "./app/schema.js";

export const modules = {
  "./_generated/api.ts": async () => ({}),
  "./jobs.ts": () => import("./app/jobs.js"),
};

export type AppTest = TestConvex<typeof schema>;
export const jobs = anyApi.jobs!;
export const component = componentsGeneric()
  .workpool as unknown as ComponentApi;

export function appTest(): AppTest {
  inFlight.now = 0;
  inFlight.most = 0;
  const t = convexTest(schema, modules);
  register(t);
  return t;
}

export function pool(options: WorkpoolOptions = {}): Workpool {
  return new Workpool(component, { logLevel: "ERROR", ...options });
}

type Ctx = GenericMutationCtx<GenericDataModel>;

/** Runs `body` as a mutation of the app. */
export function mutate<T>(
  t: AppTest,
  body: (ctx: Ctx) => Promise<T>,
): Promise<T> {
  return t.mutation(async (ctx) => await body(ctx as unknown as Ctx));
}

export async function effects(
  t: AppTest,
  kind: string,
): Promise<{ key: string; detail?: any }[]> {
  return await t.run(
    async (ctx) =>
      await ctx.db
        .query("effects")
        .withIndex("by_kind", (q) => q.eq("kind", kind))
        .collect(),
  );
}

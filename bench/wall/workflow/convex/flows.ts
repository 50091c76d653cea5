/** Workflows whose steps follow each other, each step an action that waits. */
import {
  start,
  vResultValidator,
  vWorkflowId,
  WorkflowManager,
} from "@convex-dev/workflow";
import {
  anyApi,
  componentsGeneric,
  type DataModelFromSchemaDefinition,
  internalActionGeneric,
  internalMutationGeneric,
  type MutationBuilder,
  mutationGeneric,
  type QueryBuilder,
  queryGeneric,
} from "convex/server";
import { v } from "convex/values";
import type schema from "./schema.js";

type DataModel = DataModelFromSchemaDefinition<typeof schema>;
const query = queryGeneric as QueryBuilder<DataModel, "public">;
const mutation = mutationGeneric as MutationBuilder<DataModel, "public">;
const internalMutation = internalMutationGeneric as MutationBuilder<
  DataModel,
  "internal"
>;

const self = anyApi.flows as any;
/** With the options that it has unless told otherwise: 25 steps at a time. */
const manager = new WorkflowManager(componentsGeneric().workflow as any);

const STEP_MS = 10;

export const step = internalActionGeneric({
  args: {},
  returns: v.number(),
  handler: async () => {
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
    return 1;
  },
});

/** Returns how many steps ran. */
export const flow = manager
  .define({ args: { steps: v.number() }, returns: v.number() })
  .handler(async (ctx, { steps }): Promise<number> => {
    let ran = 0;
    while (ran < steps) ran += await ctx.runAction(self.step, {});
    return ran;
  });

export const begin = mutation({
  args: { group: v.string(), steps: v.number() },
  returns: v.null(),
  handler: async (ctx, { group, steps }) => {
    await start(
      ctx as any,
      self.flow,
      { steps },
      { onComplete: self.ended, context: { group } },
    );
    return null;
  },
});

export const ended = internalMutation({
  args: {
    workflowId: vWorkflowId,
    result: vResultValidator,
    context: v.object({ group: v.string() }),
  },
  returns: v.null(),
  handler: async (ctx, { result, context: { group } }) => {
    const steps =
      result.kind === "success" ? (result.returnValue as number) : null;
    await ctx.db.insert("endings", { group, steps });
    return null;
  },
});

/** How many steps each workflow of a group ran that has ended. */
export const endings = query({
  args: { group: v.string() },
  returns: v.array(v.union(v.number(), v.null())),
  handler: async (ctx, { group }) =>
    (
      await ctx.db
        .query("endings")
        .withIndex("by_group", (q) => q.eq("group", group))
        .collect()
    ).map(({ steps }) => steps),
});

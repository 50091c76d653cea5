import {
  anyApi,
  componentsGeneric,
  internalMutationGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { v } from "convex/values";
import { interpret } from "../shared/interpret";

const components = componentsGeneric() as any;
const { script } = anyApi as any;
const reach = {
  run: script.run,
  read: script.read,
  nothing: script.nothing,
  ledger: components.ledger.script,
};
const steps = { steps: v.array(v.any()) };

export const run = mutationGeneric({
  args: steps,
  handler: (ctx, { steps }) => interpret(ctx, steps, reach),
});

/** The same under a name of its own: the deployment holds it between begin and first step. */
export const held = mutationGeneric({
  args: steps,
  handler: (ctx, { steps }) => interpret(ctx, steps, reach),
});

export const read = queryGeneric({
  args: steps,
  handler: (ctx, { steps }) => interpret(ctx, steps, reach),
});

/** Empties the table and fills it anew; gives the new ids. */
export const reset = mutationGeneric({
  args: { table: v.string(), rows: v.array(v.any()) },
  handler: async (ctx, { table, rows }) => {
    for (const { _id } of await ctx.db.query(table).collect()) {
      await ctx.db.delete(_id);
    }
    const ids: string[] = [];
    for (const row of rows) ids.push(await ctx.db.insert(table, row));
    return ids;
  },
});

export const nothing = internalMutationGeneric({
  args: {},
  handler: () => null,
});

/** What works do. */
import {
  internalActionGeneric,
  internalMutationGeneric,
  internalQueryGeneric,
} from "convex/server";
import { v } from "convex/values";
import { NonRetryableError } from "../../../../src/client/index.js";
import type { MutationCtx } from "./schema.js";

/** Its effect is outside the deployment, where no crash undoes it: a witness counts the calls. */
export const act = internalActionGeneric({
  args: {
    key: v.string(),
    witness: v.string(),
    /** How long the handler takes after its effect. */
    ms: v.number(),
    /** Calls that fail before one succeeds. */
    failures: v.number(),
    hopeless: v.boolean(),
  },
  handler: async (_ctx, { key, witness, ms, failures, hopeless }) => {
    const response = await fetch(`${witness}/${key}`, { method: "POST" });
    const calls = Number(await response.text());
    await new Promise((resolve) => setTimeout(resolve, ms));
    if (hopeless) throw new NonRetryableError(`${key} is hopeless`);
    if (calls <= failures) throw new Error(`call ${calls} failed`);
    return calls;
  },
});

export const mutate = internalMutationGeneric({
  args: { key: v.string(), fails: v.boolean() },
  handler: async (ctx: MutationCtx, { key, fails }) => {
    await ctx.db.insert("effects", { key });
    if (fails) throw new Error(`${key} refused`);
  },
});

export const read = internalQueryGeneric({
  args: { key: v.string() },
  handler: async (_ctx, { key }) => key,
});

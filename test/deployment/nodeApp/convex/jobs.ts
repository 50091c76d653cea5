"use node";
import { createHash } from "node:crypto";
import { internalActionGeneric } from "convex/server";
import { v } from "convex/values";

/** Takes its time, and needs Node. */
export const act = internalActionGeneric({
  args: { key: v.string(), ms: v.number() },
  handler: async (_ctx, { key, ms }) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return createHash("sha256").update(key).digest("hex");
  },
});

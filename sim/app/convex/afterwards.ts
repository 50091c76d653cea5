/** What people do to works afterwards: any method of the pool, by its name. */
import {
  componentsGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { v } from "convex/values";
import { poolNamed } from "./works.js";

const call = { method: v.string(), args: v.array(v.any()) };

const methods = () =>
  poolNamed(componentsGeneric(), "workpool") as unknown as Record<
    string,
    (ctx: unknown, ...args: unknown[]) => Promise<unknown>
  >;

export const ask = queryGeneric({
  args: call,
  handler: async (ctx, { method, args }) =>
    await methods()[method]!(ctx, ...args),
});

export const tell = mutationGeneric({
  args: call,
  handler: async (ctx, { method, args }) =>
    await methods()[method]!(ctx, ...args),
});

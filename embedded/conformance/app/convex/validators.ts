import {
  anyApi,
  internalMutationGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { v } from "convex/values";

const self = anyApi.validators as any;
const give = (_ctx: unknown, args: Record<string, unknown>) => args;

export const string = queryGeneric({ args: { x: v.string() }, handler: give });
export const number = queryGeneric({ args: { x: v.number() }, handler: give });
export const int64 = queryGeneric({ args: { x: v.int64() }, handler: give });
export const bool = queryGeneric({ args: { x: v.boolean() }, handler: give });
export const bytes = queryGeneric({ args: { x: v.bytes() }, handler: give });
export const nothing = queryGeneric({ args: { x: v.null() }, handler: give });
export const any = queryGeneric({ args: { x: v.any() }, handler: give });
export const item = queryGeneric({ args: { x: v.id("items") }, handler: give });
export const optional = queryGeneric({
  args: { x: v.optional(v.number()) },
  handler: give,
});
export const nullable = queryGeneric({
  args: { x: v.union(v.string(), v.null()) },
  handler: give,
});
export const literal = queryGeneric({
  args: { x: v.union(v.literal("a"), v.literal(1), v.literal(true)) },
  handler: give,
});
export const array = queryGeneric({
  args: { x: v.array(v.number()) },
  handler: give,
});
export const record = queryGeneric({
  args: { x: v.record(v.string(), v.number()) },
  handler: give,
});
export const byId = queryGeneric({
  args: { x: v.record(v.id("items"), v.number()) },
  handler: give,
});
export const object = queryGeneric({
  args: { x: v.object({ a: v.number(), b: v.optional(v.string()) }) },
  handler: give,
});
export const deep = queryGeneric({
  args: { x: v.array(v.object({ list: v.array(v.string()) })) },
  handler: give,
});
export const kinds = queryGeneric({
  args: {
    x: v.union(
      v.object({ kind: v.literal("text"), text: v.string() }),
      v.object({ kind: v.literal("count"), count: v.number() }),
    ),
  },
  handler: give,
});
export const unchecked = queryGeneric(give as any);
export const noArguments = queryGeneric({ args: {}, handler: give });

const returned = { value: v.any() };
export const returnsString = queryGeneric({
  args: returned,
  returns: v.string(),
  handler: (_ctx, { value }) => value,
});
export const returnsNull = queryGeneric({
  args: {},
  returns: v.null(),
  handler: (): any => undefined,
});
export const returnsObject = queryGeneric({
  args: returned,
  returns: v.object({ a: v.optional(v.number()) }),
  handler: (_ctx, { value }) => value,
});

export const internalOne = internalMutationGeneric({
  args: { n: v.number() },
  handler: () => null,
});
export const callsInternal = mutationGeneric({
  args: { n: v.any() },
  handler: async (ctx, args): Promise<string> => {
    try {
      await ctx.runMutation(self.internalOne, args);
      return "fine";
    } catch (error) {
      return (error as Error).message;
    }
  },
});

import { mutationGeneric, queryGeneric } from "convex/server";
import { getDocumentSize, v } from "convex/values";

class Something {
  readonly field = 1;
}

/** What functions may not return, and what counts as null. */
export const give = queryGeneric({
  args: { what: v.string() },
  handler: (_ctx, { what }): any =>
    ({
      "undefined in an array": [undefined],
      nothing: undefined,
      "a Date": new Date(),
      "a Map": new Map(),
      "a class instance": new Something(),
      "a function": () => 1,
      "a bigint of 65 bits": 2n ** 64n,
    })[what],
});

/** Inserts a document of that size; gives the size that the npm package counts. */
export const fill = mutationGeneric({
  args: { size: v.number() },
  handler: async (ctx, { size }) => {
    const empty = await ctx.db.insert("anything", { value: "" });
    const overhead = getDocumentSize((await ctx.db.get(empty)) as any);
    const id = await ctx.db.insert("anything", {
      value: "x".repeat(size - overhead),
    });
    return getDocumentSize((await ctx.db.get(id)) as any);
  },
});

export const storeHalfPair = mutationGeneric({
  args: {},
  handler: async (ctx): Promise<string> => {
    try {
      return await ctx.db.insert("anything", { value: "\ud800" });
    } catch (error) {
      return (error as Error).message;
    }
  },
});

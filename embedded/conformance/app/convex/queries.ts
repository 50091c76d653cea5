import {
  mutationGeneric,
  paginationOptsValidator,
  queryGeneric,
} from "convex/server";
import { v } from "convex/values";

/** A filter per name, on the rows of `anything` with `set: "filters"`. */
const FILTERS: Record<string, (q: any) => any> = {
  eq: (q) => q.eq(q.field("n"), 2),
  neq: (q) => q.neq(q.field("n"), 2),
  lt: (q) => q.lt(q.field("n"), 2),
  lte: (q) => q.lte(q.field("n"), 2),
  gt: (q) => q.gt(q.field("n"), 2),
  gte: (q) => q.gte(q.field("n"), 2),
  and: (q) => q.and(q.gt(q.field("n"), 1), q.lt(q.field("n"), 4)),
  or: (q) => q.or(q.eq(q.field("n"), 1), q.eq(q.field("n"), 4)),
  not: (q) => q.not(q.eq(q.field("n"), 1)),
  add: (q) => q.eq(q.add(q.field("n"), 1), 3),
  sub: (q) => q.eq(q.sub(q.field("n"), 1), 3),
  mul: (q) => q.eq(q.mul(q.field("n"), q.field("n")), 9),
  div: (q) => q.eq(q.div(q.field("n"), 2), 0.5),
  mod: (q) => q.eq(q.mod(q.field("n"), 2), 0),
  neg: (q) => q.eq(q.neg(q.field("n")), -3),
  missing: (q) => q.eq(q.field("extra"), undefined),
  present: (q) => q.neq(q.field("extra"), undefined),
  deep: (q) => q.eq(q.field("deep.er"), 4),
  "across types": (q) => q.lt(q.field("n"), "a string"),
  "mixed numbers": (q) => q.eq(q.add(q.field("n"), 1n), 2),
  "no boolean": (q) => q.field("n"),
};

export const filtered = queryGeneric({
  args: { name: v.string() },
  handler: async (ctx, { name }): Promise<number[]> =>
    (
      await ctx.db
        .query("anything")
        .withIndex("by_set_value", (q) => q.eq("set", "filters"))
        .filter(FILTERS[name]!)
        .collect()
    ).map(({ n }) => n as number),
});

/** Stops in the middle of a `for await`. */
export const iterated = queryGeneric({
  args: { group: v.string(), stopAt: v.number() },
  handler: async (ctx, { group, stopAt }): Promise<number[]> => {
    const seen: number[] = [];
    for await (const { rank } of ctx.db
      .query("items")
      .withIndex("by_group_rank", (q) => q.eq("group", group))) {
      seen.push(rank);
      if (rank === stopAt) break;
    }
    return seen;
  },
});

/** Two scans that go on in turns. */
export const interleaved = queryGeneric({
  args: { group: v.string() },
  handler: async (ctx, { group }): Promise<[number, number][]> => {
    const scan = (order: "asc" | "desc") => {
      const query = ctx.db
        .query("items")
        .withIndex("by_group_rank", (q) => q.eq("group", group))
        .order(order);
      return query[Symbol.asyncIterator]();
    };
    const up = scan("asc");
    const down = scan("desc");
    const pairs: [number, number][] = [];
    for (;;) {
      const [low, high] = [await up.next(), await down.next()];
      if (low.done || high.done) return pairs;
      pairs.push([low.value.rank, high.value.rank]);
    }
  },
});

export const misuse = queryGeneric({
  args: { how: v.string() },
  handler: async (ctx, { how }): Promise<unknown> => {
    const items = () => ctx.db.query("items");
    switch (how) {
      case "an index that is not there":
        return await items().withIndex("by_colour").collect();
      case "a field that is not in the index":
        return await items()
          .withIndex("by_rank", (q: any) => q.eq("colour", 1))
          .collect();
      case "fields out of order":
        return await items()
          .withIndex("by_group_rank", (q: any) => q.eq("rank", 1))
          .collect();
      case "two lower bounds":
        return await items()
          .withIndex("by_rank", (q: any) => q.gt("rank", 1).gte("rank", 2))
          .collect();
      case "bounds on two fields":
        return await items()
          .withIndex("by_group_rank", (q: any) =>
            q.gt("group", "a").lt("rank", 2),
          )
          .collect();
      case "two equalities on one field":
        return await items()
          .withIndex("by_rank", (q: any) => q.eq("rank", 1).eq("rank", 2))
          .collect();
      case "a fraction of a row":
        return await items().take(1.5);
      case "fewer than no rows":
        return await items().take(-1);
      case "a system table as one's own":
        return await ctx.db.query("_scheduled_functions").collect();
      case "one's own table as the system's":
        return await ctx.db.system.query("items" as any).collect();
      case "order twice":
        return await (items().order("asc") as any).order("desc").collect();
      default:
        throw new Error(`unknown: ${how}`);
    }
  },
});

export const pageTwice = queryGeneric({
  args: {},
  handler: async (ctx) => {
    const options = { cursor: null, numItems: 1 };
    await ctx.db.query("items").paginate(options);
    return await ctx.db.query("items").paginate(options);
  },
});

/** As an app would have it: for reactive pages. */
export const pageOfGroup = queryGeneric({
  args: { group: v.string(), paginationOpts: paginationOptsValidator },
  handler: (ctx, { group, paginationOpts }) =>
    ctx.db
      .query("items")
      .withIndex("by_group_rank", (q) => q.eq("group", group))
      .paginate(paginationOpts),
});

export const withoutValue = queryGeneric({
  args: { set: v.string() },
  handler: async (ctx, { set }): Promise<number> =>
    (
      await ctx.db
        .query("anything")
        .withIndex("by_set_value", (q: any) =>
          q.eq("set", set).eq("value", undefined),
        )
        .collect()
    ).length,
});

export const withValue = queryGeneric({
  args: { set: v.string() },
  handler: async (ctx, { set }): Promise<unknown[]> =>
    (
      await ctx.db
        .query("anything")
        .withIndex("by_set_value", (q: any) =>
          q.eq("set", set).gt("value", undefined),
        )
        .collect()
    ).map(({ value }) => value),
});

/** Deletes what it iterates over. */
export const deleteWhileIterating = mutationGeneric({
  args: { group: v.string() },
  handler: async (ctx, { group }): Promise<number> => {
    let deleted = 0;
    for await (const { _id } of ctx.db
      .query("items")
      .withIndex("by_group_rank", (q) => q.eq("group", group))) {
      await ctx.db.delete(_id);
      deleted++;
    }
    return deleted;
  },
});

/** The forms that name the table. */
export const byTableAndId = mutationGeneric({
  args: { group: v.string() },
  handler: async (ctx, { group }): Promise<unknown> => {
    const db = ctx.db as any;
    const id = await db.insert("items", { group, rank: 1 });
    await db.patch("items", id, { rank: 2 });
    const patched = await db.get("items", id);
    await db.replace("items", id, { group, rank: 3, note: "replaced" });
    const replaced = await db.get("items", id);
    let mistake = "";
    try {
      await db.get("anything", id);
    } catch (error) {
      mistake = (error as Error).message;
    }
    await db.delete("items", id);
    return {
      ranks: [patched.rank, replaced.rank],
      gone: await db.get("items", id),
      mistake,
    };
  },
});

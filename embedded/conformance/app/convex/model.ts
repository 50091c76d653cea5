/** The random transactions of the model-based test. */
import { anyApi, mutationGeneric, queryGeneric } from "convex/server";
import { v } from "convex/values";
import type { Operation, Range, Seen, SeenRow } from "../shared/operations";

const self = anyApi.model as any;
const range = { range: v.any() };
const operations = { operations: v.array(v.any()) };

const shown = ({ key, value, tag }: any): SeenRow => [key, value, tag];

function matching(ctx: any, { low, high, order, take, value }: Range) {
  let query = ctx.db
    .query("modelRows")
    .withIndex("by_key", (q: any) => q.gte("key", low).lt("key", high))
    .order(order);
  if (value !== undefined) {
    query = query.filter((q: any) => q.eq(q.field("value"), value));
  }
  return query.take(take);
}

async function perform(ctx: any, operations: Operation[]): Promise<Seen[]> {
  const seen: Seen[] = [];
  for (const operation of operations) seen.push(await one(ctx, operation));
  return seen;
}

async function one(ctx: any, operation: Operation): Promise<Seen> {
  switch (operation.op) {
    case "insert": {
      const { key, value, tag } = operation;
      const id = await ctx.db.insert("modelRows", { key, value, tag });
      return { creationTime: (await ctx.db.get(id))._creationTime };
    }
    case "scan":
      return { rows: (await matching(ctx, operation.range)).map(shown) };
    case "nested scan":
      return {
        rows: await ctx.runQuery(self.scan, { range: operation.range }),
      };
    case "stale scan":
      return {
        rows: await ctx.runQuery(
          self.scan,
          { range: operation.range },
          { useStaleSnapshot: true },
        ),
      };
    case "move":
    case "set":
    case "remove": {
      const [row] = await matching(ctx, { ...operation.range, take: 1 });
      if (row === undefined) return { row: null };
      if (operation.op === "remove") await ctx.db.delete(row._id);
      else if (operation.op === "move") {
        await ctx.db.patch(row._id, { key: operation.key });
      } else await ctx.db.patch(row._id, { value: operation.value });
      return { row: shown(row) };
    }
    case "nested":
      try {
        return {
          nested: await ctx.runMutation(self.nested, {
            operations: operation.operations,
            fails: operation.fails,
          }),
        };
      } catch {
        return { nested: "failed" };
      }
  }
}

/** Commits something in any case, so that its place in the order is known. */
export const run = mutationGeneric({
  args: operations,
  handler: async (ctx, { operations }): Promise<any> => {
    const begin = await (ctx as any).meta.getSnapshotTs();
    const seen = await perform(ctx, operations);
    await ctx.db.insert("modelCommits", {});
    return { begin, commit: (ctx.db as any).vars.commitTs, seen };
  },
});

export const nested = mutationGeneric({
  args: { ...operations, fails: v.boolean() },
  handler: async (ctx, { operations, fails }): Promise<Seen[]> => {
    const seen = await perform(ctx, operations);
    if (fails) throw new Error("as it should");
    return seen;
  },
});

export const scan = queryGeneric({
  args: range,
  handler: async (ctx, { range }): Promise<SeenRow[]> =>
    (await matching(ctx, range)).map(shown),
});

/** All rows, and as of when. */
export const everything = queryGeneric({
  args: {},
  handler: async (ctx): Promise<any> => ({
    at: await (ctx as any).meta.getSnapshotTs(),
    rows: (await ctx.db.query("modelRows").withIndex("by_key").collect()).map(
      shown,
    ),
  }),
});

export const clear = mutationGeneric({
  args: {},
  handler: async (ctx) => {
    for (const { _id } of await ctx.db.query("modelRows").collect()) {
      await ctx.db.delete(_id);
    }
    return null;
  },
});

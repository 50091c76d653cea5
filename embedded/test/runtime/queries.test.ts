import { describe, expect, test } from "vitest";
import { deployments, failure } from "./harness.js";

const start = deployments({
  "schema.ts": `
    import { defineSchema, defineTable } from "convex/server";
    import { v } from "convex/values";
    export default defineSchema({
      items: defineTable({ n: v.number(), kind: v.string(), big: v.optional(v.int64()) })
        .index("by_n", ["n"]).index("by_kind_n", ["kind", "n"]),
    });
  `,
  "q.ts": `
    import { query, mutation } from "./_generated/server";
    import { v } from "convex/values";
    export const fill = mutation({ args: { count: v.number() }, handler: async (ctx, { count }) => {
      for (let n = 0; n < count; n++) await ctx.db.insert("items", { n, kind: n % 2 ? "odd" : "even" });
    } });
    export const put = mutation({ args: { n: v.number() }, handler: async (ctx, { n }) => { await ctx.db.insert("items", { n, kind: "extra" }); } });
    export const drop = mutation({ args: { n: v.number() }, handler: async (ctx, { n }) => {
      for (const row of await ctx.db.query("items").withIndex("by_n", (q) => q.eq("n", n)).collect()) await ctx.db.delete(row._id);
    } });
    const ns = (rows) => rows.map((r) => r.n);
    export const ranges = query(async (ctx) => ({
      odd: ns(await ctx.db.query("items").withIndex("by_kind_n", (q) => q.eq("kind", "odd").gt("n", 1).lte("n", 5)).collect()),
      last: ns(await ctx.db.query("items").withIndex("by_n").order("desc").take(2)),
      first: (await ctx.db.query("items").first()).n,
      none: await ctx.db.query("items").withIndex("by_n", (q) => q.gt("n", 100)).first(),
    }));
    export const filters = query(async (ctx) => ({
      or: ns(await ctx.db.query("items").filter((q) => q.or(q.eq(q.field("n"), 1), q.gte(q.field("n"), 6))).collect()),
      arithmetic: ns(await ctx.db.query("items").filter((q) => q.eq(q.mod(q.field("n"), 3), 0)).collect()),
      not: ns(await ctx.db.query("items").filter((q) => q.not(q.eq(q.field("kind"), "odd"))).take(2)),
      missing: (await ctx.db.query("items").filter((q) => q.eq(q.field("big"), undefined)).collect()).length,
      negative: ns(await ctx.db.query("items").filter((q) => q.lt(q.neg(q.field("n")), -6)).collect()),
    }));
    export const badFilter = query(async (ctx) => await ctx.db.query("items").filter((q) => q.add(q.field("n"), "x")).collect());
    export const page = query({
      args: { cursor: v.union(v.string(), v.null()), numItems: v.number(), endCursor: v.optional(v.string()), rows: v.optional(v.number()) },
      handler: async (ctx, { cursor, numItems, endCursor, rows }) => {
        const result = await ctx.db.query("items").withIndex("by_n").filter((q) => q.neq(q.field("n"), 3))
          .paginate({ cursor, numItems, endCursor: endCursor ?? null, maximumRowsRead: rows });
        return { ...result, page: ns(result.page) };
      },
    });
    export const otherPage = query({ args: { cursor: v.string() }, handler: async (ctx, { cursor }) =>
      await ctx.db.query("items").paginate({ cursor, numItems: 1 }) });
    export const twoPages = query(async (ctx) => {
      await ctx.db.query("items").paginate({ cursor: null, numItems: 1 });
      await ctx.db.query("items").paginate({ cursor: null, numItems: 1 });
    });
    export const readsOne = query(async (ctx) => (await ctx.db.query("items").withIndex("by_n").first())?.n ?? null);
    export const iterates = query(async (ctx) => {
      const seen = [];
      for await (const row of ctx.db.query("items").withIndex("by_n")) { seen.push(row.n); if (row.n === 2) break; }
      return seen;
    });
    export const unique = query(async (ctx) => await ctx.db.query("items").unique());
    export const normalize = query(async (ctx) => {
      const { _id } = await ctx.db.query("items").first();
      return [ctx.db.normalizeId("items", _id) === _id, ctx.db.normalizeId("items", "junk"), ctx.db.normalizeId("absent", _id)];
    });
    export const writesSystem = mutation(async (ctx) => {
      const id = await ctx.scheduler.runAfter(1e6, "q:fill", { count: 0 });
      const messages = [];
      for (const attempt of [() => ctx.db.delete(id), () => ctx.db.patch(id, { name: "x" }), () => ctx.db.get(id),
        () => ctx.db.query("_scheduled_functions").first(), () => ctx.db.system.query("items").first(),
        () => ctx.db.system.query("_scheduled_functions").withIndex("by_next_time").first()]) {
        try { await attempt(); messages.push("allowed"); } catch (e) { messages.push(e.message); }
      }
      return messages;
    });
    export const schema = mutation(async (ctx) => { await ctx.db.insert("items", { n: "text", kind: "x" }); });
    export const tables = query(async (ctx) => await ctx.db.get("otherTable", (await ctx.db.query("items").first())._id));
  `,
});

describe("queries", () => {
  test("read ranges of indexes in both orders", async () => {
    const t = await start();
    await t.mutation("q:fill", { count: 8 });
    expect(await t.query("q:ranges")).toEqual({
      odd: [3, 5],
      last: [7, 6],
      first: 0,
      none: null,
    });
    expect(await t.query("q:iterates")).toEqual([0, 1, 2]);
  });

  test("filter with expressions", async () => {
    const t = await start();
    await t.mutation("q:fill", { count: 8 });
    expect(await t.query("q:filters")).toEqual({
      or: [1, 6, 7],
      arithmetic: [0, 3, 6],
      not: [0, 2],
      missing: 8,
      negative: [7],
    });
    expect((await failure(t.query("q:badFilter"))).message).toContain(
      'Cannot add 0.0 (type Float64) and "x" (type String)',
    );
  });

  test("depend on what they consumed only", async () => {
    const t = await start();
    await t.mutation("q:fill", { count: 5 });
    const { readSet, ts } = await t.settle(
      t.runtime.runner.query({
        address: { component: "", name: "q:readsOne" },
        args: {},
        caller: { kind: "client" },
      }),
    );
    await t.mutation("q:put", { n: 10 });
    expect(t.database.changedSince(readSet, ts)).toBe(false);
    await t.mutation("q:put", { n: -1 });
    expect(t.database.changedSince(readSet, ts)).toBe(true);
  });

  test("answer at an older snapshot on demand", async () => {
    const t = await start();
    await t.mutation("q:put", { n: 5 });
    const at = t.database.latestTs;
    await t.mutation("q:put", { n: 1 });
    const { outcome } = await t.settle(
      t.runtime.runner.query({
        address: { component: "", name: "q:readsOne" },
        args: {},
        caller: { kind: "client" },
        at,
      }),
    );
    expect(outcome).toMatchObject({ value: 5 });
    expect(await t.query("q:readsOne")).toBe(1);
  });

  test("unique refuses a second row", async () => {
    const t = await start();
    await t.mutation("q:fill", { count: 2 });
    expect((await failure(t.query("q:unique"))).message).toContain(
      "unique() query returned more than one result from table items",
    );
  });

  test("ids are checked and tables told apart", async () => {
    const t = await start();
    await t.mutation("q:fill", { count: 1 });
    expect(await t.query("q:normalize")).toEqual([true, null, null]);
    expect((await failure(t.query("q:tables"))).message).toContain(
      'expected to be an Id<"otherTable">, got Id<"items"> instead.',
    );
    expect((await failure(t.mutation("q:schema"))).message).toContain("items");
  });

  test("system tables are to be read only, through db.system, without internal indexes", async () => {
    const t = await start();
    await t.mutation("q:fill", { count: 1 });
    const messages = (await t.mutation("q:writesSystem")) as string[];
    expect(messages).toEqual([
      "System tables can only be accessed with db.system.",
      "System tables can only be accessed with db.system.",
      "System tables can only be accessed with db.system.",
      "System tables can only be accessed from db.system.query().",
      "User tables can only be accessed from db.query().",
      "Index _scheduled_functions.by_next_time not found.",
    ]);
  });
});

interface Page {
  page: number[];
  isDone: boolean;
  continueCursor: string;
  splitCursor: string | null;
  pageStatus: string | null;
}

describe("pages", () => {
  test("follow each other without gaps, filters included, to the end", async () => {
    const t = await start();
    await t.mutation("q:fill", { count: 7 });
    const seen: number[][] = [];
    let cursor: string | null = null;
    for (;;) {
      const page = (await t.query("q:page", {
        cursor,
        numItems: 2,
      })) as unknown as Page;
      seen.push(page.page);
      cursor = page.continueCursor;
      if (page.isDone) break;
    }
    expect(seen).toEqual([[0, 1], [2, 4], [5, 6], []]);
    expect(await t.query("q:page", { cursor, numItems: 2 })).toMatchObject({
      page: [],
      isDone: true,
    });
  });

  test("keep their end when they are read again", async () => {
    const t = await start();
    await t.mutation("q:fill", { count: 6 });
    const run = (journal: string | null) =>
      t.settle(
        t.runtime.runner.query({
          address: { component: "", name: "q:page" },
          args: { cursor: null, numItems: 2 },
          caller: { kind: "client" },
          journal,
        }),
      );
    const first = await run(null);
    expect(first.outcome).toMatchObject({ value: { page: [0, 1] } });
    expect(first.journal).not.toBeNull();
    await t.mutation("q:put", { n: 0.5 });
    expect((await run(first.journal)).outcome).toMatchObject({
      value: { page: [0, 0.5, 1] },
    });
    expect((await run(null)).outcome).toMatchObject({
      value: { page: [0, 0.5] },
    });
    await t.mutation("q:drop", { n: 1 });
    expect((await run(first.journal)).outcome).toMatchObject({
      value: { page: [0, 0.5] },
    });
  });

  test("can be split in the middle", async () => {
    const t = await start();
    await t.mutation("q:fill", { count: 7 });
    const whole = (await t.query("q:page", {
      cursor: null,
      numItems: 4,
    })) as unknown as Page;
    expect(whole.page).toEqual([0, 1, 2, 4]);
    const left = (await t.query("q:page", {
      cursor: null,
      numItems: 4,
      endCursor: whole.splitCursor!,
    })) as unknown as Page;
    const right = (await t.query("q:page", {
      cursor: whole.splitCursor!,
      numItems: 4,
      endCursor: whole.continueCursor,
    })) as unknown as Page;
    expect([...left.page, ...right.page]).toEqual(whole.page);
    expect(left.page.length).toBeGreaterThan(0);
    expect(right.page.length).toBeGreaterThan(0);
  });

  test("end early when they would read too many rows", async () => {
    const t = await start();
    await t.mutation("q:fill", { count: 7 });
    expect(
      await t.query("q:page", { cursor: null, numItems: 5, rows: 2 }),
    ).toMatchObject({
      page: [0, 1],
      pageStatus: "SplitRequired",
    });
  });

  test("refuse cursors of other queries, and a second page in one function", async () => {
    const t = await start();
    await t.mutation("q:fill", { count: 3 });
    const { continueCursor } = (await t.query("q:page", {
      cursor: null,
      numItems: 1,
    })) as unknown as Page;
    expect(
      (await failure(t.query("q:otherPage", { cursor: continueCursor })))
        .message,
    ).toContain("InvalidCursor");
    expect((await failure(t.query("q:twoPages"))).message).toContain(
      "ran multiple paginated queries",
    );
  });
});

import { describe, expect, test } from "vitest";
import { deployments, failure, type TestDeployment } from "./harness.js";

const start = deployments({
  "schema.ts": `
    import { defineSchema, defineTable } from "convex/server";
    import { v } from "convex/values";
    export default defineSchema({
      counters: defineTable({ name: v.string(), value: v.number() }).index("by_name", ["name"]),
      events: defineTable({ text: v.string(), ts: v.optional(v.commitTs()) }).index("by_ts", ["ts"]),
    });
  `,
  "tx.ts": `
    import { query, mutation, action, internalMutation } from "./_generated/server";
    import { api, internal } from "./_generated/api";
    import { v } from "convex/values";
    const counter = async (ctx, name) =>
      await ctx.db.query("counters").withIndex("by_name", (q) => q.eq("name", name)).unique();
    export const increment = mutation({
      args: { name: v.string() },
      handler: async (ctx, { name }) => {
        const row = await counter(ctx, name);
        if (row === null) await ctx.db.insert("counters", { name, value: 1 });
        else await ctx.db.patch(row._id, { value: row.value + 1 });
        return (row?.value ?? 0) + 1;
      },
    });
    export const read = query({
      args: { name: v.string() },
      handler: async (ctx, { name }) => (await counter(ctx, name))?.value ?? 0,
    });
    export const stale = query({ args: { name: v.string() }, handler: async (ctx, { name }) => (await counter(ctx, name))?.value ?? 0 });
    /** Looks at a counter, one way or the other, and writes something of its own. */
    export const looksAndWrites = mutation({
      args: { name: v.string(), stale: v.boolean() },
      handler: async (ctx, { name, stale }) => {
        const seen = await ctx.runQuery(api.tx.stale, { name }, stale ? { useStaleSnapshot: true } : {});
        await ctx.db.insert("events", { text: "looked" });
        return seen;
      },
    });
    export const staleMissesOwnWrites = mutation(async (ctx) => {
      await ctx.db.insert("counters", { name: "own", value: 1 });
      return [
        await ctx.runQuery(api.tx.read, { name: "own" }),
        await ctx.runQuery(api.tx.read, { name: "own" }, { useStaleSnapshot: true }),
      ];
    });
    export const writesThenThrows = mutation({
      args: { name: v.string() },
      handler: async (ctx, { name }) => {
        await ctx.runMutation(api.tx.increment, { name });
        await ctx.scheduler.runAfter(0, api.tx.increment, { name: "scheduled" });
        throw new Error("undo");
      },
    });
    export const survivesNested = mutation(async (ctx) => {
      await ctx.runMutation(api.tx.increment, { name: "kept" });
      try { await ctx.runMutation(api.tx.writesThenThrows, { name: "kept" }); } catch {}
      await ctx.runMutation(api.tx.increment, { name: "kept" });
    });
    export const badReturn = mutation({
      args: {}, returns: v.string(),
      handler: async (ctx) => { await ctx.db.insert("counters", { name: "bad", value: 1 }); return 5; },
    });
    export const catchesBadReturn = mutation(async (ctx) => {
      try { await ctx.runMutation(api.tx.badReturn, {}); } catch (e) { return e.message; }
    });
    export const nestsBadReturn = mutation(async (ctx) => { await ctx.runMutation(api.tx.badReturn, {}); });
    export const catchesNestedBadReturn = mutation(async (ctx) => {
      try { await ctx.runMutation(api.tx.nestsBadReturn, {}); } catch (e) { return "caught"; }
    });
    export const append = internalMutation({
      args: { text: v.string(), steps: v.number() },
      handler: async (ctx, { text, steps }) => {
        for (let i = 0; i < steps; i++) await ctx.db.insert("events", { text: text + i });
      },
    });
    export const parallel = mutation(async (ctx) => {
      await Promise.all(["a", "b", "c"].map((text) => ctx.runMutation(internal.tx.append, { text, steps: 2 })));
    });
    export const texts = query(async (ctx) => (await ctx.db.query("events").collect()).map((e) => e.text));
    export const unawaited = mutation(async (ctx) => {
      void ctx.db.insert("events", { text: "late" });
      void ctx.runMutation(internal.tx.append, { text: "later", steps: 1 });
    });
    export const stamped = mutation(async (ctx) => {
      const id = await ctx.db.insert("events", { text: "stamped", ts: ctx.db.vars.commitTs });
      const inside = await ctx.db.get(id);
      return { id, snapshot: ctx.meta.getSnapshotTs(), inside: typeof inside.ts };
    });
    export const passesTs = mutation(async (ctx) =>
      await ctx.runMutation(api.tx.insertTs, { ts: ctx.db.vars.commitTs }));
    export const insertTs = mutation({
      args: { ts: v.commitTs() },
      handler: async (ctx, { ts }) => { await ctx.db.insert("events", { text: "passed", ts }); return ts; },
    });
    export const schedulesTs = mutation(async (ctx) =>
      await ctx.scheduler.runAfter(0, api.tx.insertTs, { ts: ctx.db.vars.commitTs }));
    export const stamps = query(async (ctx) =>
      (await ctx.db.query("events").withIndex("by_ts").collect()).map((e) => e.ts));
    export const snapshot = query(async (ctx) => ctx.meta.getSnapshotTs());
    export const deep = query({
      args: { n: v.number() },
      handler: async (ctx, { n }) => (n === 0 ? 0 : 1 + (await ctx.runQuery(api.tx.deep, { n: n - 1 }))),
    });
    export const readMany = query({
      args: { n: v.number() },
      handler: async (ctx, { n }) => { for (let i = 0; i < n; i++) await ctx.db.query("events").take(1); return n; },
    });
    export const budget = mutation(async (ctx) => {
      const outcome = [];
      try {
        await ctx.runMutation(internal.tx.append, { text: "x", steps: 5 }, { transactionLimits: { documentsWritten: 3 } });
        outcome.push("unlimited");
      } catch (e) { outcome.push(e.message); }
      await ctx.runMutation(internal.tx.append, { text: "y", steps: 1 });
      const { documentsWritten } = await ctx.meta.getTransactionMetrics();
      return [...outcome, documentsWritten];
    });
    export const scheduleMany = mutation({
      args: { n: v.number() },
      handler: async (ctx, { n }) => { for (let i = 0; i < n; i++) await ctx.scheduler.runAfter(0, api.tx.increment, { name: "x" }); },
    });
    export const hotAction = action(async (ctx) => {
      try { await ctx.runMutation(api.tx.increment, { name: "hot" }); return "won"; } catch (e) { return e.message; }
    });
  `,
});

const client = { kind: "client" } as const;
function increments(t: TestDeployment, name: string, times: number) {
  return Array.from({ length: times }, () =>
    t.runtime.runner.mutation({
      address: { component: "", name: "tx:increment" },
      args: { name },
      caller: client,
    }),
  );
}

describe("mutations that race", () => {
  test("conflict, retry and end up serial", async () => {
    const t = await start();
    const results = await t.settle(Promise.all(increments(t, "c", 4)));
    expect(results.map((r) => r.outcome.ok && r.outcome.value).sort()).toEqual([
      1, 2, 3, 4,
    ]);
    expect(await t.query("tx:read", { name: "c" })).toBe(4);
    const stats = t.runtime.stats()["|tx:increment"]!;
    expect(stats.calls).toBe(4);
    expect(stats.conflicts).toBeGreaterThan(0);
    expect(stats.retries).toBe(stats.conflicts);
  });

  test("do not conflict on different rows", async () => {
    const t = await start();
    await t.mutation("tx:increment", { name: "a" });
    await t.mutation("tx:increment", { name: "b" });
    t.runtime.resetStats();
    await t.settle(
      Promise.all([...increments(t, "a", 1), ...increments(t, "b", 1)]),
    );
    expect(t.runtime.stats()["|tx:increment"]!.conflicts).toBe(0);
  });

  test("give up after the last retry with Convex's text", async () => {
    const t = await start({
      limits: {
        userTimeMs: null,
        mutationRetry: { retries: 0, initialMs: 1, maxMs: 1 },
      },
    });
    await t.mutation("tx:increment", { name: "c" });
    const results = await t.settle(Promise.all(increments(t, "c", 3)));
    const lost = results.filter((r) => !r.outcome.ok);
    expect(lost).toHaveLength(2);
    expect(lost[0]!.outcome).toMatchObject({
      system: true,
      code: "OptimisticConcurrencyControlFailure",
      message: expect.stringMatching(
        /^Documents read from or written to the "counters" table changed while this mutation was being run/,
      ),
    });
    const fromActions = await t.settle(
      Promise.all(
        [1, 2].map(() =>
          t.runtime.runner.action({
            address: { component: "", name: "tx:hotAction" },
            args: {},
            caller: client,
          }),
        ),
      ),
    );
    expect(fromActions.map((o) => (o.ok ? o.value : o.message))).toContainEqual(
      "won",
    );
    expect(fromActions.map((o) => (o.ok ? o.value : o.message))).toContainEqual(
      expect.stringContaining("changed while this mutation was being run"),
    );
  });

  test("a stale read takes no dependency, a plain one does", async () => {
    for (const stale of [true, false]) {
      const t = await start({ latency: { mutationOpenMs: 5 } });
      await t.mutation("tx:increment", { name: "c" });
      const looking = t.runtime.runner.mutation({
        address: { component: "", name: "tx:looksAndWrites" },
        args: { name: "c", stale },
        caller: client,
      });
      await t.settle(Promise.all([...increments(t, "c", 1), looking]));
      expect(t.runtime.stats()["|tx:looksAndWrites"]!.conflicts).toBe(
        stale ? 0 : 1,
      );
    }
  });

  test("a stale read can be made to show what was committed some time before", async () => {
    const t = await start({
      limits: { userTimeMs: null, staleSnapshotAgeMs: 5_000 },
    });
    const look = () =>
      t.mutation("tx:looksAndWrites", { name: "c", stale: true });
    const seen: unknown[] = [];
    for (const ms of [10_000, 4_000, 2_000]) {
      await t.clock.advance(ms);
      await t.mutation("tx:increment", { name: "c" });
      seen.push(await look());
    }
    expect(seen).toEqual([0, 0, 1]);
  });

  test("a stale read does not see the transaction's own writes", async () => {
    const t = await start();
    expect(await t.mutation("tx:staleMissesOwnWrites")).toEqual([1, 0]);
  });
});

describe("nested mutations", () => {
  test("an error undoes the callee's writes and schedules, and nothing else", async () => {
    const t = await start();
    await t.mutation("tx:survivesNested");
    await t.finish();
    expect(await t.query("tx:read", { name: "kept" })).toBe(2);
    expect(await t.query("tx:read", { name: "scheduled" })).toBe(0);
  });

  test("an invalid return value is raised after the sub-commit; one level up it can be undone", async () => {
    const t = await start();
    expect(await t.mutation("tx:catchesBadReturn")).toMatch(
      /^ReturnsValidationError: /,
    );
    expect(await t.query("tx:read", { name: "bad" })).toBe(1);
    const other = await start();
    expect(await other.mutation("tx:catchesNestedBadReturn")).toBe("caught");
    expect(await other.query("tx:read", { name: "bad" })).toBe(0);
  });

  test("a top-level mutation with an invalid return value commits nothing", async () => {
    const t = await start();
    await failure(t.mutation("tx:badReturn"));
    expect(await t.query("tx:read", { name: "bad" })).toBe(0);
  });

  test("parallel calls run one after the other", async () => {
    const t = await start();
    await t.mutation("tx:parallel");
    expect(await t.query("tx:texts")).toEqual([
      "a0",
      "a1",
      "b0",
      "b1",
      "c0",
      "c1",
    ]);
  });

  test("what nobody awaited still happens before the commit", async () => {
    const t = await start();
    await t.mutation("tx:unawaited");
    expect(await t.query("tx:texts")).toEqual(["late", "later0"]);
  });

  test("are at most eight levels deep", async () => {
    const t = await start();
    expect(await t.query("tx:deep", { n: 8 })).toBe(8);
    expect((await failure(t.query("tx:deep", { n: 9 }))).message).toContain(
      "Cross component call depth limit exceeded.",
    );
  });

  test("are counted as sub-transactions, not as calls", async () => {
    const t = await start();
    await t.mutation("tx:parallel");
    const stats = t.runtime.stats();
    expect(stats["|tx:parallel"]).toMatchObject({
      calls: 1,
      subTransactions: 0,
      documentsWritten: 6,
    });
    expect(stats["|tx:append"]).toMatchObject({ calls: 0, subTransactions: 3 });
  });
});

describe("commit timestamps", () => {
  const int = (value: unknown) =>
    Buffer.from(
      (value as { $integer: string }).$integer,
      "base64",
    ).readBigInt64LE();

  test("are known after the commit, in commit order, on the clock of snapshots", async () => {
    const t = await start();
    const first = (await t.mutation("tx:stamped")) as {
      snapshot: unknown;
      inside: string;
    };
    const second = (await t.mutation("tx:stamped")) as { snapshot: unknown };
    const [a, b] = ((await t.query("tx:stamps")) as unknown[]).map(int);
    expect(int(first.snapshot)).toBeLessThan(a!);
    expect(a! <= int(second.snapshot)).toBe(true);
    expect(int(second.snapshot)).toBeLessThan(b!);
    expect(int(await t.query("tx:snapshot"))).toBe(b!);
    expect(t.database.latestTs).toBe(b!);
  });

  test("travel through arguments and results of mutations, but not into scheduled ones", async () => {
    const t = await start();
    const returned = await t.mutation("tx:passesTs");
    expect(((await t.query("tx:stamps")) as unknown[])[0]).toEqual(returned);
    expect((await failure(t.mutation("tx:schedulesTs"))).message).toContain(
      "Invalid arguments for tx.js:insertTs: a commit timestamp has no value",
    );
  });
});

describe("limits", () => {
  test("of reads end the function with Convex's text", async () => {
    const t = await start({
      limits: { userTimeMs: null, transaction: { databaseQueries: 10 } },
    });
    expect(await t.query("tx:readMany", { n: 10 })).toBe(10);
    expect(
      (await failure(t.query("tx:readMany", { n: 11 }))).message,
    ).toContain("Too many reads in a single function execution (limit: 10)");
  });

  test("of a nested call hold for it alone", async () => {
    const t = await start();
    const [message, metric] = (await t.mutation("tx:budget")) as [
      string,
      { used: number },
    ];
    expect(message).toContain("Too many writes in a single function execution");
    expect(metric.used).toBe(1);
  });

  test("of scheduled functions", async () => {
    const t = await start();
    expect(
      (await failure(t.mutation("tx:scheduleMany", { n: 1001 }))).message,
    ).toContain("Too many functions scheduled by this mutation (limit: 1000)");
  });
});

describe("a client's session", () => {
  test("makes a mutation happen once, however often it is sent", async () => {
    const t = await start();
    const send = () =>
      t.settle(
        t.runtime.runner.mutation({
          address: { component: "", name: "tx:increment" },
          args: { name: "s" },
          caller: client,
          session: { sessionId: "session", requestId: 3 },
        }),
      );
    const first = await send();
    const again = await send();
    expect(again.outcome).toMatchObject({ ok: true, value: 1 });
    expect(again.ts).toBe(first.ts);
    expect(await t.query("tx:read", { name: "s" })).toBe(1);
  });

  test("also when both copies are under way at once", async () => {
    const t = await start();
    const both = await t.settle(
      Promise.all(
        [1, 2].map(() =>
          t.runtime.runner.mutation({
            address: { component: "", name: "tx:increment" },
            args: { name: "s" },
            caller: client,
            session: { sessionId: "session", requestId: 3 },
          }),
        ),
      ),
    );
    expect(both.map((r) => r.outcome.ok && r.outcome.value)).toEqual([1, 1]);
    expect(both[0]!.ts).toBe(both[1]!.ts);
  });
});

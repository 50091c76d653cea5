import { describe, expect, test } from "vitest";
import { deployments, failure } from "./harness.js";

const start = deployments({
  env: { BREAK: "yes" },
  sources: {
    "fail.ts": `
    import { query, mutation, action, internalMutation, internalQuery } from "./_generated/server";
    import { api, internal } from "./_generated/api";
    import { ConvexError, v } from "convex/values";
    export const plain = mutation(async () => {
      throw new Error("boom");
    });
    export const typed = mutation(async () => { throw new TypeError("wrong"); });
    export const withData = mutation(async () => { throw new ConvexError({ code: 7, big: 5n }); });
    export const nested = mutation(async (ctx) => { await ctx.runMutation(api.fail.plain, {}); });
    export const catches = mutation(async (ctx) => {
      try { await ctx.runMutation(api.fail.withData, {}); } catch (e) {
        return [e instanceof ConvexError, e.data, e.message];
      }
    });
    export const catchesInAction = action(async (ctx) => {
      try { await ctx.runMutation(api.fail.withData, {}); } catch (e) {
        return [e instanceof ConvexError, e.data, e.message];
      }
    });
    export const rethrows = action(async (ctx) => { await ctx.runMutation(api.fail.withData, {}); });
    export const notAnError = query(async () => { throw { odd: 1 }; });
    export const aString = query(async () => { throw "just text"; });
    export const forever = query(async () => { await new Promise(() => {}); });
    export const returnsFunction = query(async () => () => 1);
    export const returnsQuery = query(async (ctx) => ctx.db.query("rows"));
    export const big = query(async () => "x".repeat(2000));
    export const takes = query({
      args: { n: v.number(), id: v.optional(v.id("rows")) }, returns: v.string(),
      handler: async (ctx, { n }) => (n === 1 ? "one" : n),
    });
    export const commitTs = query(async () => ({ ts: { $commitTs: null } }));
    export const secret = internalQuery(async () => "hidden");
    export const callsSecret = query(async (ctx) => await ctx.runQuery(internal.fail.secret, {}));
    export const queryCallsMutation = query(async (ctx) => await ctx.runMutation?.(api.fail.plain, {}) ?? "no runMutation");
    export const queryForcesMutation = query(async () => {
      try {
        await Convex.asyncSyscall("1.0/runUdf", JSON.stringify({ udfType: "mutation", name: "fail:plain", args: {} }));
      } catch (e) { return e.message; }
    });
    export const unknownOperation = mutation(async () => {
      const messages = [];
      for (const op of ["1.0/nope", "1.0/storageGetUrl", "1.0/actions/query"]) {
        try { await Convex.asyncSyscall(op, "{}"); } catch (e) { messages.push(e.message); }
      }
      try { Convex.syscall("1.0/what", "{}"); } catch (e) { messages.push(e.message); }
      return messages;
    });
    export const search = query(async (ctx) =>
      await ctx.db.query("rows").withSearchIndex("by_text", (q) => q.search("t", "x")).collect());
    export const storage = mutation(async (ctx) => await ctx.storage.generateUploadUrl());
    export const loops = query(async () => { for (;;); });
    export const slowTurns = query(async (ctx) => {
      for (;;) {
        await ctx.db.query("rows").first();
        const end = Date.parse("2020") + 1;
        for (let i = 0; i < 3e6; i++) end.toString();
      }
    });
    export const metricsInAction = action(async (ctx) => {
      try { await Convex.asyncSyscall("1.0/getTransactionMetrics", "{}"); } catch (e) { return e.message; }
    });
    export const notAFunction = 5;
  `,
    "broken.ts": `
    import { query } from "./_generated/server";
    if (process.env.BREAK === "yes") throw new Error("broken module");
    export const fine = query(async () => 1);
  `,
  },
});

describe("what a caller sees of an error", () => {
  test("message and stack in terms of the user's files", async () => {
    const t = await start();
    const { message } = await failure(t.mutation("fail:plain"));
    expect(message).toMatch(
      /^Uncaught Error: boom\n {4}at .*fail\.ts:6:\d+\)\n$/,
    );
    expect((await failure(t.mutation("fail:typed"))).message).toMatch(
      /^Uncaught TypeError: wrong\n/,
    );
  });

  test("a nested error is told with the stack of the callee inside the caller's", async () => {
    const t = await start();
    const { message } = await failure(t.mutation("fail:nested"));
    expect(message).toMatch(
      /^Uncaught Error: Uncaught Error: boom\n {4}at .*fail\.ts:6:\d+\)\n\n {4}at async .*fail\.ts:10:\d+\)\n$/,
    );
  });

  test("the data of a ConvexError crosses every border", async () => {
    const t = await start();
    const data = { code: 7, big: { $integer: "BQAAAAAAAAA=" } };
    expect((await failure(t.mutation("fail:withData"))).data).toEqual(data);
    for (const [isConvexError, seen, message] of [
      (await t.mutation("fail:catches")) as unknown[],
      (await t.action("fail:catchesInAction")) as unknown[],
    ]) {
      expect(isConvexError).toBe(true);
      expect(seen).toEqual(data);
      expect(message).toMatch(/^Uncaught ConvexError: /);
    }
    expect((await failure(t.action("fail:rethrows"))).data).toEqual(data);
  });

  test("anything can be thrown", async () => {
    const t = await start();
    expect((await failure(t.query("fail:notAnError"))).message).toMatch(
      /^Uncaught #<Object>/,
    );
    expect((await failure(t.query("fail:aString"))).message).toMatch(
      /^Uncaught just text/,
    );
  });

  test("a module that throws while loading fails its functions", async () => {
    const t = await start();
    expect((await failure(t.query("broken:fine"))).message).toMatch(
      /^Uncaught Error: broken module\n {4}at .*broken\.ts:3:\d+\)\n/,
    );
  });
});

describe("what is refused", () => {
  test("arguments and results that do not match their validators", async () => {
    const t = await start();
    expect(await t.query("fail:takes", { n: 1 })).toBe("one");
    expect((await failure(t.query("fail:takes", { n: "1" }))).message).toMatch(
      /^ArgumentValidationError: .*\n/,
    );
    expect((await failure(t.query("fail:takes", { n: 2 }))).message).toMatch(
      /^ReturnsValidationError: /,
    );
    expect(
      (await failure(t.query("fail:takes", { n: 1, id: "nonsense" }))).message,
    ).toMatch(/^ArgumentValidationError: /);
  });

  test("functions that do not exist, are internal, or of another type", async () => {
    const t = await start();
    const message = async (call: Promise<unknown>) =>
      (await failure(call)).message;
    expect(await message(t.query("fail:nothing"))).toBe(
      "Could not find public function for 'fail:nothing'.\n",
    );
    expect(await message(t.query("fail:secret"))).toBe(
      "Could not find public function for 'fail:secret'.\n",
    );
    expect(await t.query("fail:callsSecret")).toBe("hidden");
    expect(await message(t.query("fail:plain"))).toBe(
      "Trying to execute fail.js:plain as Query, but it is defined as Mutation.\n",
    );
    expect(await t.query("fail:queryForcesMutation")).toBe(
      "Cannot call a Mutation function from a Query function",
    );
  });

  test("results that are no Convex values", async () => {
    const t = await start();
    expect((await failure(t.query("fail:returnsFunction"))).message).toContain(
      "is not a supported Convex type",
    );
    expect((await failure(t.query("fail:returnsQuery"))).message).toContain(
      "Return value is a Query",
    );
  });

  test("arguments and results beyond their limits, with size and limit", async () => {
    const t = await start({
      limits: {
        userTimeMs: null,
        maxArgumentBytes: 1000,
        maxResultBytes: 1000,
      },
    });
    expect(
      (await failure(t.query("fail:takes", { n: 1, text: "y".repeat(2000) })))
        .message,
    ).toMatch(
      /^Arguments for fail\.js:takes are too large \(actual: 1\.97 KiB, limit: 1000 B\)/,
    );
    expect((await failure(t.query("fail:big"))).message).toMatch(
      /^Function fail\.js:big return value is too large \(actual: 1\.96 KiB, limit: 1000 B\)/,
    );
  });

  test("operations that nobody knows, and features left out, by name", async () => {
    const t = await start();
    expect(await t.mutation("fail:unknownOperation")).toEqual([
      "Unknown async operation 1.0/nope",
      expect.stringContaining("does not have file storage"),
      "Unknown async operation 1.0/actions/query",
      "Unknown operation 1.0/what",
    ]);
    expect((await failure(t.query("fail:search"))).message).toContain(
      "does not have full text search",
    );
    expect((await failure(t.mutation("fail:storage"))).message).toContain(
      "does not have file storage",
    );
    expect(await t.action("fail:metricsInAction")).toBe(
      "Unknown async operation 1.0/getTransactionMetrics",
    );
  });

  test("a promise that nothing can resolve", async () => {
    const t = await start();
    expect((await failure(t.query("fail:forever"))).message).toBe(
      "Returned promise will never resolve\n",
    );
  });
});

describe("a function that keeps the processor", () => {
  test("is interrupted in an endless loop", async () => {
    const t = await start({ limits: { userTimeMs: 50 } });
    expect((await failure(t.query("fail:loops"))).message).toBe(
      "Function execution timed out (maximum duration: 0.05s)\n",
    );
    expect(await t.query("fail:takes", { n: 1 })).toBe("one");
  });

  test("is ended when its turns add up to too much", async () => {
    const t = await start({ limits: { userTimeMs: 200 } });
    expect((await failure(t.query("fail:slowTurns"))).message).toBe(
      "Function execution timed out (maximum duration: 0.2s)\n",
    );
  });
});

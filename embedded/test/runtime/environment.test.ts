import { describe, expect, test } from "vitest";
import { deployments, failure } from "./harness.js";

const start = deployments({
  env: { REGION: "here" },
  sources: {
    "env.ts": `
      import { query, mutation, action } from "./_generated/server";
      import { api } from "./_generated/api";
      let calls = 0;
      const draw = () => ({
        random: Math.random(),
        uuid: crypto.randomUUID(),
        bytes: [...crypto.getRandomValues(new Uint8Array(4))],
      });
      export const count = query(async () => ++calls);
      export const countTwice = query(async (ctx) => [
        await ctx.runQuery(api.env.count, {}), await ctx.runQuery(api.env.count, {}), ++calls,
      ]);
      export const globalsStay = query(async () => {
        globalThis.mark = (globalThis.mark ?? 0) + 1;
        return globalThis.mark;
      });
      export const now = query(async () => Date.now());
      export const times = mutation(async (ctx) => {
        const before = Date.now();
        for (let i = 0; i < 20; i++) await ctx.db.insert("rows", { i });
        const nested = await ctx.runQuery(api.env.now, {});
        return [before, nested, Date.now(), new Date().getTime(), new Date(Date()).getTime() >= 0, performance.now()];
      });
      export const dates = query(async () => [
        new Date() instanceof Date,
        new Date(2020, 1, 2).getFullYear(),
        Date.UTC(1970, 0, 1),
        Object.prototype.toString.call(new Date(0)),
      ]);
      export const draws = query(async (ctx) => [draw(), draw()]);
      export const drawsNested = query(async (ctx) => [
        draw(), await ctx.runQuery(api.env.oneDraw, {}), await ctx.runQuery(api.env.oneDraw, {}),
      ]);
      export const oneDraw = query(async () => draw());
      export const actionDraw = action(async () => draw());
      export const forbidden = query(async () => {
        const tried = {};
        for (const [name, attempt] of Object.entries({
          fetch: () => fetch("http://127.0.0.1:1"),
          setTimeout: () => setTimeout(() => {}, 1),
          setInterval: () => setInterval(() => {}, 1),
        })) {
          try { await attempt(); tried[name] = "allowed"; } catch (e) { tried[name] = e.message; }
        }
        return tried;
      });
      export const names = query(async () => ({
        missing: [typeof require, typeof Buffer, typeof setImmediate, typeof global, typeof window,
          typeof module.parent, typeof process.cwd, typeof globalThis.Buffer, typeof globalThis.process.exit],
        present: [typeof URL, typeof TextEncoder, typeof Headers, typeof Request, typeof Response, typeof Blob,
          typeof FormData, typeof ReadableStream, typeof structuredClone, typeof atob, typeof AbortController,
          typeof crypto.subtle.digest, typeof globalThis.Array, typeof self.Convex],
      }));
      export const environment = query(async () => [process.env.REGION, process.env.PATH ?? null, Object.keys(process.env)]);
      export const writesEnvironment = query(async () => { process.env.REGION = "changed"; return process.env.REGION; });
      export const digest = mutation(async () => {
        const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode("abc"));
        return hash;
      });
      export const platformPromises = mutation(async () => {
        const blob = new Blob(["he", "llo"]);
        return [await blob.text(), (await new Response('{"a":1}').json()).a];
      });
      export const shadows = query(async () => {
        const crypto = 1, process = 2, Date = 3;
        return crypto + process + Date;
      });
      const fetch2 = globalThis.fetch;
    `,
    "patches.ts": `
      import { query, action } from "./_generated/server";
      import { api } from "./_generated/api";
      import { clock, hasBuffer } from "./clock";
      const seen = () => [Date.now(), new Date().getTime(), Math.random(), clock(), typeof process, hasBuffer()];
      const patch = () => {
        const RealDate = globalThis.Date;
        globalThis.Date = class extends RealDate {
          constructor(...args) { super(...(args.length === 0 ? [7] : args)); }
          static now() { return 7; }
        };
        self.Math = Object.assign(Object.create(Math), { random: () => 0.5 });
        delete globalThis.process;
        Object.defineProperty(globalThis, "Buffer", { value: class Buffer {}, configurable: true });
      };
      export const patched = query(async () => { patch(); return seen(); });
      export const patchedInAction = action(async () => { patch(); return seen(); });
      export const patchedThenNested = query(async (ctx) => {
        patch();
        const nested = await ctx.runQuery(api.patches.unpatched, {});
        return [nested, clock()];
      });
      export const unpatched = query(async () => [Date.now() > 7, typeof process, hasBuffer(), clock() > 7]);
      export const importsLater = query(async () => {
        patch();
        return (await import("./later")).loadedAt;
      });
      export const restores = query(async () => {
        const { Date } = globalThis;
        patch();
        globalThis.Date = Date;
        return clock() > 7;
      });
    `,
    "clock.ts": `
      export const clock = () => Date.now();
      export const hasBuffer = () => typeof Buffer;
    `,
    "later.ts": "export const loadedAt = Date.now();",
    "top.ts": `
      import { query } from "./_generated/server";
      const process = { env: "mine" };
      class Date { static now() { return "my date"; } }
      export const mine = query(async () => [process.env, Date.now()]);
    `,
    "logs.ts": `
      import { mutation } from "./_generated/server";
      export const speak = mutation(async () => {
        console.log("text", { a: [1] });
        console.warn("careful");
        console.error(new Error("bad").message);
        globalThis.console.debug("quiet");
      });
      export const trace = mutation(async () => {
        console.error(new Error("logged"));
      });
      export const countsAloud = mutation(async (ctx) => {
        const row = await ctx.db.query("rows").first();
        const n = (row?.n ?? 0) + 1;
        console.log(n);
        if (row === null) await ctx.db.insert("rows", { n });
        else await ctx.db.patch(row._id, { n });
      });
      export const chatter = mutation(async () => { for (let i = 0; i < 1000; i++) console.log(i); });
    `,
  },
});

describe("globals that a function sets", () => {
  const patched = [7, 7, 0.5, 7, "undefined", "function"];

  test("are what every module of the call means by these names", async () => {
    const t = await start();
    expect(await t.query("patches:patched")).toEqual(patched);
    expect(await t.action("patches:patchedInAction")).toEqual(patched);
    expect(await t.query("patches:importsLater")).toBe(7);
    expect(await t.query("patches:restores")).toBe(true);
  });

  test("are those of that call alone", async () => {
    const t = await start();
    const untouched = [true, "object", "undefined", true];
    expect(await t.query("patches:patchedThenNested")).toEqual([untouched, 7]);
    expect(await t.query("patches:unpatched")).toEqual(untouched);
  });
});

describe("the environment of queries and mutations", () => {
  test("module state does not outlive a call, nested calls included", async () => {
    const t = await start();
    expect(await t.query("env:count")).toBe(1);
    expect(await t.query("env:count")).toBe(1);
    expect(await t.query("env:countTwice")).toEqual([1, 1, 1]);
    expect(await t.query("env:globalsStay")).toBe(1);
    expect(await t.query("env:globalsStay")).toBe(1);
  });

  test("time stands still for a transaction and its nested calls", async () => {
    const t = await start({ latency: { mutationOpenMs: 50 } });
    const [before, nested, after, fresh, parses, performanceNow] =
      (await t.mutation("env:times")) as number[];
    expect(nested).toBe(before);
    expect(after).toBe(before);
    expect(fresh).toBe(before);
    expect(parses).toBe(true);
    expect(performanceNow).toBe(0);
    expect(Number.isInteger(before)).toBe(true);
  });

  test("Date is otherwise the usual Date", async () => {
    const t = await start();
    expect(await t.query("env:dates")).toEqual([
      true,
      2020,
      0,
      "[object Date]",
    ]);
  });

  test("randomness differs within and between calls, and repeats with the deployment's seed", async () => {
    const [a, b] = [await start({ seed: 3 }), await start({ seed: 3 })];
    const first = (await a.query("env:draws")) as object[];
    expect(first[0]).not.toEqual(first[1]);
    expect(await b.query("env:draws")).toEqual(first);
    expect(await a.query("env:draws")).not.toEqual(first);
    const nested = (await a.query("env:drawsNested")) as object[];
    expect(new Set(nested.map((d) => JSON.stringify(d))).size).toBe(3);
    expect(nested[0]).toMatchObject({
      uuid: expect.stringMatching(
        /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      ),
    });
    expect(await a.action("env:actionDraw")).not.toEqual(
      await a.action("env:actionDraw"),
    );
  });

  test("fetch and timers are refused with a hint at actions", async () => {
    const t = await start();
    expect(await t.query("env:forbidden")).toEqual({
      fetch: expect.stringContaining(
        "Can't use fetch() in queries and mutations.",
      ),
      setTimeout: expect.stringContaining(
        "Can't use setTimeout in queries and mutations.",
      ),
      setInterval: expect.stringContaining("Please consider using an action."),
    });
  });

  test("Node's globals are out of sight, the web's are there", async () => {
    const t = await start();
    const { missing, present } = (await t.query("env:names")) as {
      missing: string[];
      present: string[];
    };
    expect(new Set(missing.slice(1))).toEqual(new Set(["undefined"]));
    expect(present).not.toContain("undefined");
  });

  test("process.env holds the component's variables and forgets changes", async () => {
    const t = await start();
    expect(await t.query("env:environment")).toEqual([
      "here",
      null,
      ["REGION"],
    ]);
    expect(await t.query("env:writesEnvironment")).toBe("changed");
    expect(await t.query("env:environment")).toEqual([
      "here",
      null,
      ["REGION"],
    ]);
  });

  test("modules and functions may use the names of globals for their own things", async () => {
    const t = await start();
    expect(await t.query("env:shadows")).toBe(6);
    expect(await t.query("top:mine")).toEqual(["mine", "my date"]);
  });

  test("promises of the platform settle before the function is given up", async () => {
    const t = await start();
    expect(await t.mutation("env:platformPromises")).toEqual(["hello", 1]);
  });
});

describe("logs", () => {
  test("lines carry level and text, quoted as on Convex", async () => {
    const t = await start();
    await t.mutation("logs:speak");
    expect(t.logs.map(({ level, message }) => [level, message])).toEqual([
      ["LOG", "'text' { a: [ 1 ] }"],
      ["WARN", "'careful'"],
      ["ERROR", "'bad'"],
      ["DEBUG", "'quiet'"],
    ]);
  });

  test("stacks in them name the user's files and nothing below", async () => {
    const t = await start();
    await t.mutation("logs:trace");
    expect(t.logs[0]!.message).toMatch(
      /^Error: logged\n {4}at .*logs\.ts:10:\d+\)?$/,
    );
  });

  test("only the attempt that counts leaves lines", async () => {
    const t = await start();
    const race = () =>
      t.runtime.runner.mutation({
        address: { component: "", name: "logs:countsAloud" },
        args: {},
        caller: { kind: "client" },
      });
    await t.settle(Promise.all([race(), race(), race()]));
    expect(t.runtime.stats()["|logs:countsAloud"]!.retries).toBeGreaterThan(0);
    expect(t.logs.map((line) => line.message)).toEqual(["1", "2", "3"]);
  });

  test("a function cannot flood the log", async () => {
    const t = await start();
    await t.mutation("logs:chatter");
    expect(t.logs).toHaveLength(256);
    expect(t.logs.at(-1)?.message).toContain("Log overflow (maximum 256)");
  });
});

test("crypto.subtle works in mutations", async () => {
  const t = await start();
  const digest = t.runtime.runner.mutation({
    address: { component: "", name: "env:digest" },
    args: {},
    caller: { kind: "client" },
  });
  // The digest comes from a thread of its own, so the virtual clock is moved until it is there.
  let outcome: Awaited<typeof digest> | null = null;
  void digest.then((o) => (outcome = o));
  while (outcome === null) await t.clock.advance(1);
  expect(outcome).toMatchObject({
    outcome: {
      ok: true,
      value: { $bytes: "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=" },
    },
  });
});

test("failure() is not fooled by success", async () => {
  const t = await start();
  await expect(failure(t.query("env:now"))).rejects.toThrow("expected to fail");
});

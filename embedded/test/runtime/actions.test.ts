import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { deployments, failure } from "./harness.js";

const start = deployments({
  env: { TOKEN: "t0ken" },
  sources: {
    "act.ts": `
      import { query, mutation, action } from "./_generated/server";
      import { api } from "./_generated/api";
      import { v } from "convex/values";
      export const add = mutation({ args: { text: v.string() }, handler: async (ctx, { text }) => { await ctx.db.insert("rows", { text }); } });
      export const texts = query(async (ctx) => (await ctx.db.query("rows").collect()).map((r) => r.text));
      export const sleeps = action({
        args: { ms: v.number() },
        handler: async (_ctx, { ms }) => {
          const before = Date.now();
          await new Promise((resolve) => setTimeout(resolve, ms));
          return Date.now() - before;
        },
      });
      export const repeats = action(async () => {
        let times = 0;
        await new Promise((resolve) => {
          const id = setInterval(() => { if (++times === 3) { clearInterval(id); resolve(); } }, 10);
        });
        const canceled = setTimeout(() => { times = 99; }, 1);
        clearTimeout(canceled);
        await new Promise((resolve) => setTimeout(resolve, 50));
        return times;
      });
      export const aborts = action(async () => {
        const signal = AbortSignal.timeout(500);
        const before = Date.now();
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        return [Date.now() - before, signal.reason.name, signal instanceof AbortSignal];
      });
      export const fetches = action({
        args: { url: v.string() },
        handler: async (_ctx, { url }) => {
          const response = await fetch(url, { method: "POST", body: JSON.stringify({ a: 1 }) });
          return [response.status, await response.json(), response instanceof Response];
        },
      });
      export const parallel = action(async (ctx) => {
        await Promise.all(["a", "b", "c"].map((text) => ctx.runMutation(api.act.add, { text })));
        return await ctx.runQuery(api.act.texts, {});
      });
      export const nested = action(async (ctx) => await ctx.runAction(api.act.sleeps, { ms: 5 }));
      export const seesNewRows = action(async (ctx) => {
        const before = (await ctx.runQuery(api.act.texts, {})).length;
        await ctx.runMutation(api.act.add, { text: "new" });
        return (await ctx.runQuery(api.act.texts, {})).length - before;
      });
      export const leavesBehind = action(async (ctx) => {
        void ctx.runMutation(api.act.add, { text: "dangling" });
        setTimeout(() => console.log("too late"), 10);
        return "done";
      });
      export const throwsInTimer = action(async () => {
        setTimeout(() => { throw new Error("in a timer"); }, 1);
        await new Promise(() => {});
      });
      export const badCall = action(async (ctx) => {
        try { await ctx.runMutation(api.act.add, { text: 5 }); } catch (e) { return e.message; }
      });
      export const missingCall = action(async (ctx) => {
        try { await ctx.runMutation(api.act.nothing, {}); } catch (e) { return e.message; }
      });
      export const schedules = action(async (ctx) => {
        const kept = await ctx.scheduler.runAfter(1000, api.act.add, { text: "kept" });
        const canceled = await ctx.scheduler.runAfter(1000, api.act.add, { text: "canceled" });
        await ctx.scheduler.cancel(canceled);
        return typeof kept;
      });
      export const metadata = action(async (ctx) => ({
        fn: await ctx.meta.getFunctionMetadata(),
        deployment: await ctx.meta.getDeploymentMetadata(),
        request: await ctx.meta.getRequestMetadata(),
        user: await ctx.auth.getUserIdentity(),
      }));
      export const unawaitedFailure = action(async (ctx) => {
        void ctx.runMutation(api.act.nothing, {});
        await new Promise((resolve) => setTimeout(resolve, 1000));
        return "survived";
      });
    `,
    "nodejs.ts": `
      "use node";
      import { createHash } from "node:crypto";
      import * as path from "path";
      import { action } from "./_generated/server";
      import { api } from "./_generated/api";
      export const works = action(async (ctx) => {
        const os = await import("node:os");
        await ctx.runMutation(api.act.add, { text: createHash("sha256").update("x").digest("hex").slice(0, 4) });
        const timer = setTimeout(() => {}, 1000);
        timer.unref();
        clearTimeout(timer);
        await new Promise((resolve) => setTimeout(resolve, 20));
        return [path.join("a", "b"), typeof Buffer, process.env.TOKEN, process.env.PATH ?? null,
          typeof process.version, typeof os.platform(), await ctx.runQuery(api.act.texts, {})];
      });
    `,
    "http.ts": `
      import { httpRouter } from "convex/server";
      import { httpAction } from "./_generated/server";
      import { api } from "./_generated/api";
      const http = httpRouter();
      http.route({ path: "/hook", method: "POST", handler: httpAction(async (ctx, request) => {
        const text = await request.text();
        await ctx.runMutation(api.act.add, { text });
        return new Response("got " + text + " " + request.headers.get("x-sign"), { status: 201, headers: { "x-a": "b" } });
      }) });
      http.route({ pathPrefix: "/files/", method: "GET", handler: httpAction(async (_ctx, request) =>
        Response.json({ path: new URL(request.url).pathname })) });
      http.route({ path: "/files/exact", method: "GET", handler: httpAction(async () => new Response("exact")) });
      http.route({ path: "/fails", method: "GET", handler: httpAction(async () => { throw new Error("http boom"); }) });
      http.route({ path: "/nothing", method: "GET", handler: httpAction(async () => "no response") });
      export default http;
    `,
  },
});

describe("time in actions", () => {
  test("passes, and timers follow the deployment's clock", async () => {
    const t = await start();
    expect(await t.action("act:sleeps", { ms: 60_000 })).toBe(60_000);
    expect(await t.action("act:repeats")).toBe(3);
    expect(await t.action("act:aborts")).toEqual([500, "TimeoutError", true]);
  });

  test("ends: an action that takes too long fails", async () => {
    const t = await start({
      limits: { userTimeMs: null, actionTimeoutMs: 5_000 },
    });
    expect((await failure(t.action("act:sleeps", { ms: 6_000 }))).message).toBe(
      "Function execution timed out (maximum duration: 5s)\n",
    );
    expect(await t.action("act:sleeps", { ms: 4_000 })).toBe(4_000);
  });
});

describe("what actions call", () => {
  test("runs side by side, each its own transaction on the newest state", async () => {
    const t = await start();
    expect(((await t.action("act:parallel")) as string[]).sort()).toEqual([
      "a",
      "b",
      "c",
    ]);
    expect(await t.action("act:seesNewRows")).toBe(1);
    expect(t.runtime.stats()["|act:add"]).toMatchObject({
      calls: 4,
      subTransactions: 0,
    });
  });

  test("can be other actions", async () => {
    const t = await start();
    expect(await t.action("act:nested")).toBe(5);
  });

  test("waits when too many operations are under way", async () => {
    const t = await start({
      limits: { userTimeMs: null, operationsPerAction: 1 },
    });
    expect(await t.action("act:parallel")).toEqual(["a", "b", "c"]);
  });

  test("fails with errors that can be caught", async () => {
    const t = await start();
    expect(await t.action("act:badCall")).toMatch(/^ArgumentValidationError: /);
    expect(await t.action("act:missingCall")).toBe(
      "Could not find public function for 'act:nothing'.\n",
    );
  });

  test("can be scheduled and canceled", async () => {
    const t = await start();
    expect(await t.action("act:schedules")).toBe("string");
    await t.finish();
    expect(await t.query("act:texts")).toEqual(["kept"]);
  });

  test("the outside world", async () => {
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => (body += chunk));
      request.on("end", () => {
        response.statusCode = 202;
        response.end(JSON.stringify({ received: JSON.parse(body) }));
      });
    });
    await new Promise<void>((resolve) =>
      server.listen(0, "127.0.0.1", resolve),
    );
    const t = await start();
    const { port } = server.address() as AddressInfo;
    const call = t.runtime.runner.action({
      address: { component: "", name: "act:fetches" },
      args: { url: `http://127.0.0.1:${port}/` },
      caller: { kind: "client" },
    });
    let outcome: Awaited<typeof call> | null = null;
    void call.then((o) => (outcome = o));
    while (outcome === null) await t.clock.advance(1);
    expect(outcome).toMatchObject({
      value: [202, { received: { a: 1 } }, true],
    });
    server.close();
  });
});

describe("when an action is over", () => {
  test("its timers are gone and forgotten operations are warned about", async () => {
    const t = await start();
    expect(await t.action("act:leavesBehind")).toBe("done");
    await t.finish();
    expect(t.logs.map((line) => line.message)).toEqual([
      expect.stringContaining("1 unawaited operation: [mutation]"),
    ]);
  });

  test("an error in a timer has ended it", async () => {
    const t = await start();
    expect((await failure(t.action("act:throwsInTimer"))).message).toMatch(
      /^Uncaught Error: in a timer\n/,
    );
  });
});

test("metadata tells function, deployment and request", async () => {
  const t = await start({ deploymentName: "tests", deploymentClass: "S16" });
  const outcome = await t.settle(
    t.runtime.runner.action({
      address: { component: "", name: "act:metadata" },
      args: {},
      caller: { kind: "client" },
      requestId: "r1",
      ip: "127.0.0.1",
      userAgent: "tests",
    }),
  );
  expect(outcome).toMatchObject({
    value: {
      fn: {
        name: "act:metadata",
        componentPath: "",
        type: "action",
        visibility: "public",
      },
      deployment: { name: "tests", region: null, class: "s16" },
      request: {
        ip: "127.0.0.1",
        userAgent: "tests",
        requestId: "r1",
        scheduledFunctionId: null,
      },
      user: null,
    },
  });
});

test('"use node" actions have Node around them, and only their own variables', async () => {
  const t = await start();
  expect(await t.action("nodejs:works")).toEqual([
    "a/b",
    "function",
    "t0ken",
    null,
    "string",
    "string",
    ["2d71"],
  ]);
});

describe("HTTP actions", () => {
  const request = (path: string, init?: RequestInit) =>
    new Request(`http://site.test${path}`, init);

  test("answer what they are routed", async () => {
    const t = await start();
    const response = await t.settle(
      t.runtime.runner.httpAction(
        request("/hook", {
          method: "POST",
          body: "ping",
          headers: { "x-sign": "s" },
        }),
      ),
    );
    expect(response.status).toBe(201);
    expect(response.headers.get("x-a")).toBe("b");
    expect(await response.text()).toBe("got ping s");
    expect(await t.query("act:texts")).toEqual(["ping"]);
  });

  test("exact paths win over prefixes, and what matches nothing is a 404", async () => {
    const t = await start();
    const get = async (path: string) =>
      t.settle(t.runtime.runner.httpAction(request(path)));
    expect(await (await get("/files/a/b")).json()).toEqual({
      path: "/files/a/b",
    });
    expect(await (await get("/files/exact")).text()).toBe("exact");
    expect((await get("/hook")).status).toBe(404);
    expect((await get("/elsewhere")).status).toBe(404);
  });

  test("that fail answer 500 with the trace", async () => {
    const t = await start();
    const response = await t.settle(
      t.runtime.runner.httpAction(request("/fails")),
    );
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({
      code: expect.stringMatching(
        /^\[Request ID: [0-9a-f]{16}\] Server Error$/,
      ),
      trace: expect.stringMatching(
        /^Uncaught Error: http boom\n {4}at .*http\.ts/,
      ),
    });
    const nothing = await t.settle(
      t.runtime.runner.httpAction(request("/nothing")),
    );
    expect(await nothing.json()).toMatchObject({
      trace: expect.stringContaining("HTTP actions must return a Response"),
    });
  });
});

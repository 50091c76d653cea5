/** How actions die, and what dies with them. */
import { describe, expect, test } from "vitest";
import type { JSONValue } from "../../src/storage/types.js";
import {
  deployments,
  type DeployOptions,
  type TestDeployment,
} from "./harness.js";

const MINUTE = 60_000;

const start = deployments({
  sources: {
    "lives.ts": `
      import { action, internalAction, internalMutation, mutation, query } from "./_generated/server";
      import { internal } from "./_generated/api";

      export const note = internalMutation(async (ctx, { text }) => {
        await ctx.db.insert("notes", { text });
      });
      export const notes = query(async (ctx) =>
        (await ctx.db.query("notes").collect()).map(({ text }) => text));
      export const jobs = query(async (ctx) =>
        (await ctx.db.system.query("_scheduled_functions").collect()).map(({ state }) => state));

      export const sleeps = internalAction(async (ctx, { ms, text }) => {
        await ctx.runMutation(internal.lives.note, { text: "begin " + text });
        await new Promise((resolve) => setTimeout(resolve, ms));
        await ctx.runMutation(internal.lives.note, { text: "end " + text });
      });
      export const calls = internalAction(async (ctx, { count, ms, text, node }) => {
        const callee = node ? internal.worker.sleeps : internal.lives.sleeps;
        const outcomes = await Promise.allSettled(
          Array.from({ length: count }, (_, i) =>
            ctx.runAction(callee, { ms, text: text + i })));
        const failures = outcomes.filter(({ status }) => status === "rejected");
        for (const { reason } of failures) {
          await ctx.runMutation(internal.lives.note, { text: reason.message });
        }
      });
      export const callsTwice = internalAction(async (ctx, args) => {
        await ctx.runAction(internal.lives.calls, args);
      });
      export const rests = internalAction(async (_ctx, { ms }) => {
        await new Promise((resolve) => setTimeout(resolve, ms));
      });
      export const crowds = internalAction(async (ctx, { count, ms }) => {
        const outcomes = await Promise.allSettled(
          Array.from({ length: count }, () => ctx.runAction(internal.lives.rests, { ms })));
        const reasons = outcomes.flatMap(({ status, reason }) =>
          status === "rejected" ? [reason.message] : []);
        for (const reason of new Set(reasons)) {
          const times = reasons.filter((each) => each === reason).length;
          await ctx.runMutation(internal.lives.note, { text: times + ": " + reason });
        }
      });
      export const leaves = internalAction(async (ctx, args) => {
        void ctx.runAction(internal.lives.sleeps, args);
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      });
      export const schedule = mutation(async (ctx, { fn, args }) => {
        await ctx.scheduler.runAfter(0, fn.startsWith("worker:")
          ? internal.worker[fn.slice(7)]
          : internal.lives[fn], args);
      });
      export const reads = internalMutation(async (ctx) => {
        await ctx.db.insert("notes", { text: "undone" });
        await ctx.db.query("notes").collect();
      });
    `,
    "worker.ts": `
      "use node";
      import { internalAction } from "./_generated/server";
      import { internal } from "./_generated/api";
      export const sleeps = internalAction(async (ctx, { ms, text }) => {
        await new Promise((resolve) => setTimeout(resolve, ms));
        await ctx.runMutation(internal.lives.note, { text: "end " + text });
      });
    `,
  },
});

/** Whose actions can be killed by name. */
async function startMortal(options: DeployOptions = {}) {
  const kills = new Map<string, (why: string) => void>();
  const running = new Map<string, number>();
  const count = (name: string, by: number) =>
    running.set(name, (running.get(name) ?? 0) + by);
  const t = await start({
    ...options,
    onRun: ({ name }, _args, { kill }) => {
      if (kill === null) return null;
      kills.set(name, kill);
      count(name, 1);
      return () => count(name, -1);
    },
  });
  return {
    ...t,
    kill: (name: string, why = "Transient error while executing action") =>
      kills.get(name)!(why),
    running: (name: string) => running.get(name) ?? 0,
  };
}

const schedule = (
  t: Pick<TestDeployment, "mutation">,
  fn: string,
  args: Record<string, JSONValue>,
) => t.mutation("lives:schedule", { fn, args });

const limits = { userTimeMs: null };

describe("when an action's process dies", () => {
  test("what it called is aborted, however deep", async () => {
    const t = await startMortal();
    await schedule(t, "callsTwice", { count: 3, ms: MINUTE, text: "a" });
    await t.clock.advance(1_000);
    expect(t.running("lives:sleeps")).toBe(3);
    t.kill("lives:callsTwice");
    await t.clock.advance(1);
    expect(t.running("lives:sleeps")).toBe(0);
    await t.finish();
    const notes = (await t.query("lives:notes")) as string[];
    expect(notes.sort()).toEqual(["begin a0", "begin a1", "begin a2"]);
  });

  test("what it called leaves room to others at once", async () => {
    const t = await startMortal({
      limits: { ...limits, concurrency: { actions: 5 } },
    });
    await schedule(t, "calls", { count: 8, ms: 30 * MINUTE, text: "old " });
    await t.clock.advance(1_000);
    expect(t.running("lives:sleeps")).toBe(4);
    t.kill("lives:calls");
    await schedule(t, "calls", { count: 4, ms: 1_000, text: "new " });
    await t.clock.advance(5_000);
    // Neither those that ran nor those that waited are in the way.
    expect(t.running("lives:calls")).toBe(0);
    expect(await t.query("lives:notes")).toContain("end new 3");
    await t.finish();
    expect(await t.query("lives:notes")).not.toContain("end old 0");
    expect(await t.query("lives:notes")).not.toContain("begin old 7");
  });

  test("an action of Node goes on, and takes nobody's place", async () => {
    const t = await startMortal({
      limits: { ...limits, concurrency: { nodeActions: 1 } },
    });
    const node = { ms: MINUTE, count: 1, node: true };
    await schedule(t, "calls", { ...node, text: "old " });
    await t.clock.advance(1_000);
    t.kill("lives:calls");
    await schedule(t, "calls", { ...node, text: "new " });
    await t.clock.advance(1_000);
    expect(t.running("worker:sleeps")).toBe(2);
    await t.finish();
    expect(await t.query("lives:notes")).toEqual(["end old 0", "end new 0"]);
  });

  test("its row says so a moment later", async () => {
    const t = await startMortal();
    await schedule(t, "sleeps", { ms: MINUTE, text: "a" });
    await t.clock.advance(1_000);
    t.kill("lives:sleeps");
    await t.clock.advance(0);
    expect(await t.query("lives:jobs")).toEqual([{ kind: "inProgress" }]);
    await t.clock.advance(500);
    expect(await t.query("lives:jobs")).toEqual([
      { kind: "failed", error: "Transient error while executing action" },
    ]);
    // At most once.
    await t.finish();
    expect(await t.query("lives:notes")).toEqual(["begin a"]);
  });

  test("its row says what the platform knows of the reason", async () => {
    const t = await startMortal();
    await schedule(t, "sleeps", { ms: MINUTE, text: "a" });
    await t.clock.advance(1_000);
    const outOfMemory =
      "JavaScript execution ran out of memory (maximum memory usage: 64 MB)";
    t.kill("lives:sleeps", outOfMemory);
    await t.finish();
    expect(await t.query("lives:jobs")).toEqual([
      { kind: "failed", error: `${outOfMemory}\n` },
    ]);
  });

  test("its caller goes on, with an error that says little", async () => {
    const t = await startMortal();
    await schedule(t, "calls", { count: 1, ms: MINUTE, text: "a" });
    await t.clock.advance(1_000);
    t.kill("lives:sleeps");
    await t.finish();
    expect(await t.query("lives:notes")).toEqual([
      "begin a0",
      "Your request couldn't be completed. Try again later.",
    ]);
    expect(await t.query("lives:jobs")).toEqual([{ kind: "success" }]);
  });
});

describe("an action's time", () => {
  test("is 30 minutes, of which what it calls takes its part", async () => {
    const t = await startMortal();
    await schedule(t, "calls", { count: 1, ms: 31 * MINUTE, text: "a" });
    await t.clock.advance(30 * MINUTE - 1);
    expect(t.running("lives:sleeps")).toBe(1);
    await t.clock.advance(1_000);
    expect(t.running("lives:sleeps")).toBe(0);
    expect(await t.query("lives:jobs")).toEqual([
      {
        kind: "failed",
        error: "Function execution timed out (maximum duration: 1800s)\n",
      },
    ]);
    await t.finish();
    expect(await t.query("lives:notes")).toEqual(["begin a0"]);
  });

  test("is 10 minutes in Node", async () => {
    const t = await startMortal();
    await schedule(t, "worker:sleeps", { ms: 11 * MINUTE, text: "a" });
    await t.clock.advance(10 * MINUTE + 1_000);
    expect(await t.query("lives:jobs")).toEqual([
      {
        kind: "failed",
        error: "Action `sleeps` execution timed out (maximum duration 600s)\n",
      },
    ]);
    await t.finish();
    expect(await t.query("lives:notes")).toEqual([]);
  });

  test("ends with it for what it did not wait for", async () => {
    const t = await startMortal();
    await schedule(t, "leaves", { ms: MINUTE, text: "a" });
    await t.clock.advance(2_000);
    expect(t.running("lives:sleeps")).toBe(0);
    await t.finish();
    expect(await t.query("lives:notes")).toEqual(["begin a"]);
    expect(await t.query("lives:jobs")).toEqual([{ kind: "success" }]);
  });

  test("that is spent waiting for operations begins none when it is over", async () => {
    const t = await startMortal({
      limits: { ...limits, operationsPerAction: 1, actionTimeoutMs: MINUTE },
    });
    await schedule(t, "calls", { count: 3, ms: 40_000, text: "a" });
    await t.finish();
    expect(await t.query("lives:notes")).toEqual([
      "begin a0",
      "end a0",
      "begin a1",
    ]);
  });
});

describe("nested actions beyond what the class allows", () => {
  test.each([
    ["S16", 64, 1],
    ["S256", 512, 1],
    // One action alone may have a thousand operations under way.
    ["D1024", 1024, 2],
  ] as const)(
    "on %s: those with a place run, the others fail after ten seconds",
    async (deploymentClass, places, callers) => {
      const t = await startMortal({ deploymentClass });
      const count = places / callers + 50;
      for (let i = 0; i < callers; i++) {
        await schedule(t, "crowds", { count, ms: MINUTE });
      }
      await t.clock.advance(9_000);
      const left = places - callers;
      expect(t.running("lives:rests")).toBe(left);
      await t.finish();
      const notes = (await t.query("lives:notes")) as string[];
      const refused = notes.map((note) => note.split(": ") as [string, string]);
      expect(new Set(refused.map(([, reason]) => reason))).toEqual(
        new Set([
          `Too many concurrent requests. Your backend is limited to ${places} concurrent actions. If you need more resources, please contact support.`,
        ]),
      );
      const times = refused.reduce((sum, [times]) => sum + Number(times), 0);
      expect(times).toBe(callers * count - left);
    },
  );
});

test("a scheduled mutation that reaches a limit has failed, for good", async () => {
  let runs = 0;
  const t = await start({
    limits: { ...limits, transaction: { bytesRead: 10 } },
    onRun: ({ name }) => {
      if (name === "lives:reads") runs++;
      return null;
    },
  });
  await schedule(t, "reads", {});
  await t.finish();
  expect(runs).toBe(1);
  const row = t.database
    .begin({ limits: { bytesRead: Infinity } })
    .scan("", {
      table: "_scheduled_functions",
      index: "by_creation_time",
      range: [],
      order: "asc",
    })
    .next();
  expect(row!.value.state).toMatchObject({
    kind: "failed",
    error: expect.stringMatching(
      /^Uncaught Error: Too many bytes read in a single function execution \(limit: 10 bytes\)\. Consider using smaller limits/,
    ),
  });
});

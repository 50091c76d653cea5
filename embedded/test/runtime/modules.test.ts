import { describe, expect, test } from "vitest";
import { SeededRandomness, VirtualClock } from "../../src/clock.js";
import { createModuleLoader, evaluateModule } from "../../src/runtime/index.js";
import type { ModuleSource } from "../../src/runtime/types.js";
import { deployments, bundle, deploy, createApp } from "./harness.js";

const isolate = (path: string, source: string): ModuleSource => ({
  path,
  source,
  sourceMap: null,
  environment: "isolate",
});

function evaluate(modules: ModuleSource[], entry: string, env = {}) {
  const seams = {
    clock: new VirtualClock(),
    randomness: new SeededRandomness(1),
    modules: createModuleLoader(),
  };
  return evaluateModule(seams, modules, entry, env);
}

describe("evaluating pushed modules", () => {
  test("follows relative imports between folders and chunks, cycles included", async () => {
    const exports = await evaluate(
      [
        isolate(
          "a/entry.js",
          `import { shared, later } from "../_deps/CHUNK.js"; import other from "./other.js";
           export const own = "own"; export const value = [shared, other, later()]; export { shared as again };`,
        ),
        isolate(
          "_deps/CHUNK.js",
          `import * as entry from "../a/entry.js"; export const shared = 1; export const later = () => entry.own;`,
        ),
        isolate(
          "a/other.js",
          `export default class Other { static name2 = "other" }; `,
        ),
      ],
      "a/entry.js",
    );
    expect(exports.value).toEqual([1, expect.any(Function), "own"]);
    expect(exports.again).toBe(1);
    expect(Object.keys(exports).sort()).toEqual(["again", "own", "value"]);
  });

  test("gives each evaluation globals and module state of its own", async () => {
    const modules = [
      isolate(
        "m.js",
        `globalThis.seen = (globalThis.seen ?? 0) + 1; let n = 0; export const next = () => ++n; export const seen = globalThis.seen;`,
      ),
    ];
    const [a, b] = [
      await evaluate(modules, "m.js"),
      await evaluate(modules, "m.js"),
    ];
    expect([(a.next as () => number)(), (b.next as () => number)()]).toEqual([
      1, 1,
    ]);
    expect([a.seen, b.seen]).toEqual([1, 1]);
    expect("seen" in globalThis).toBe(false);
  });

  test("supports dynamic imports of what was pushed", async () => {
    const exports = await evaluate(
      [
        isolate(
          "m.js",
          `export const load = async () => (await import("./lazy.js")).value;`,
        ),
        isolate("lazy.js", `export const value = "lazy";`),
      ],
      "m.js",
    );
    expect(await (exports.load as () => Promise<string>)()).toBe("lazy");
  });

  test("shows the variables it is given", async () => {
    const { value } = await evaluate(
      [isolate("m.js", `export const value = process.env.NAME;`)],
      "m.js",
      { NAME: "x" },
    );
    expect(value).toBe("x");
  });

  test.each([
    [
      "an error of its own",
      `throw new RangeError("no");`,
      /^Uncaught RangeError: no$/,
    ],
    [
      "the database",
      `Convex.syscall("1.0/queryStream", "{}");`,
      /cannot be used while modules are loaded/,
    ],
    [
      "a module that was not pushed",
      `import "./nowhere.js";`,
      /Cannot import ".\/nowhere.js" from m.js/,
    ],
    [
      "Node's modules",
      `import "node:fs";`,
      /Cannot import "node:fs" from m.js: .*"use node"/,
    ],
    [
      "top-level await",
      `await Promise.resolve();`,
      /^Top-level await in m.js: it is not supported/,
    ],
    ["text that is no JavaScript", `const = 1;`, /^Could not load m.js: /],
  ])("tells what went wrong with %s", async (_what, source, message) => {
    await expect(evaluate([isolate("m.js", source)], "m.js")).rejects.toThrow(
      message,
    );
  });
});

const start = deployments({
  "v.ts": `
    import { query, mutation, action } from "./_generated/server";
    import { api } from "./_generated/api";
    export const version = query(async () => "old");
    export const waits = action(async (ctx) => {
      const before = await ctx.runQuery(api.v.version, {});
      await new Promise((resolve) => setTimeout(resolve, 1000));
      return [before, await ctx.runQuery(api.v.version, {})];
    });
  `,
});

describe("a push while functions run", () => {
  test("a running action goes on, and what it calls is the new code", async () => {
    const t = await start();
    const waiting = t.runtime.runner.action({
      address: { component: "", name: "v:waits" },
      args: {},
      caller: { kind: "client" },
    });
    await t.clock.advance(500);
    const next = await createApp({
      sources: {
        "v.ts": `
          import { query } from "./_generated/server";
          export const version = query(async () => "new");
        `,
      },
    });
    await t.runtime.prepare(next);
    t.app.definitions = next.definitions;
    expect(await t.settle(waiting)).toMatchObject({
      ok: true,
      value: ["old", "new"],
    });
  });
});

test("bundles with a map of their own keep the user's places through the rewriting", async () => {
  const [module] = await bundle({
    "x.ts": `type T = number;\n\nexport const f = () => {\n  throw new Error("here");\n};\n`,
  });
  expect(module!.sourceMap).not.toBeNull();
  const loaded = await createModuleLoader().load([module!]);
  const exports = await evaluate([module!], "x.js");
  let stack = "";
  try {
    (exports.f as () => void)();
  } catch (error) {
    stack = (error as Error).stack!;
  }
  const [, line, column] = /convex-module:x\.js:(\d+):(\d+)/.exec(stack)!;
  expect(loaded.positions("x.js", Number(line), Number(column))).toEqual({
    file: expect.stringContaining("x.ts"),
    line: 4,
    column: 9,
  });
});

test("a deployment without modules deploys", async () => {
  const t = await deploy({ "empty.ts": "export {};" });
  expect(
    t.runtime.runner.describe({ component: "", name: "empty:fn" }),
  ).toBeNull();
  t.close();
});

import { afterEach, describe, expect, test, vi } from "vitest";
import { libraryModules } from "../../src/runtime/library.js";
import type { ModuleSource } from "../../src/runtime/types.js";
import { deployments } from "./harness.js";

const chunk = (path: string, ...lines: string[]): ModuleSource => ({
  path,
  source: lines.join("\n"),
  sourceMap: null,
  environment: "isolate",
});
const VALUES = "// ../node_modules/convex/dist/esm/values/value.js";
const SERVER = "// ../node_modules/convex/dist/esm/server/index.js";

afterEach(() => vi.restoreAllMocks());

describe("the convex package among pushed modules", () => {
  test("is found by the files that chunks name", () => {
    expect(
      libraryModules([
        chunk("_deps/A.js", VALUES, `import { n } from "./N.js";`),
        chunk("_deps/B.js", SERVER, `import { v } from "./A.js";`),
        chunk("_deps/N.js", "export const n = 1;"),
        chunk("m.js", "// convex/m.ts", `import { v } from "./_deps/A.js";`),
      ]),
    ).toEqual(new Set(["_deps/A.js", "_deps/B.js"]));
  });

  test("is not found where other files are in the same chunk, or behind an import", () => {
    expect(
      libraryModules([
        chunk("_deps/A.js", VALUES, "// convex/state.ts"),
        chunk("_deps/B.js", SERVER, `import { v } from "./A.js";`),
        chunk("_deps/C.js", SERVER, `const d = import("./B.js");`),
        chunk("_deps/D.js", "// ../node_modules/convex-helpers/index.js"),
        chunk("m.js", `export { v } from "./_deps/A.js";`),
      ]),
    ).toEqual(new Set());
  });
});

const start = deployments({
  env: { GREETING: "hello" },
  sources: {
    "state.ts": `
      import { mutation, query, env } from "./_generated/server";
      let calls = 0;
      export const count = query(async () => ++calls);
      export const changeVariables = query(async () => {
        const before = [env.GREETING, env.ADDED ?? null];
        env.GREETING = "bye";
        env.ADDED = "yes";
        return before;
      });
      export const leavesSomething = mutation(async (ctx) => {
        void new Blob([]).arrayBuffer().then(() => ctx.db.insert("rows", { from: "earlier" }));
      });
      export const rows = query(async (ctx) =>
        (await ctx.db.query("rows").collect()).map(({ from }) => from));
    `,
    "other.ts": `
      import { mutation } from "./_generated/server";
      export const writes = mutation(async (ctx) => {
        void new Blob([]).arrayBuffer();
        await ctx.db.insert("rows", { from: "later" });
      });
    `,
  },
});

describe("a call that has the package's modules after another", () => {
  test("has module state of its own", async () => {
    const t = await start();
    expect(await t.query("state:count")).toBe(1);
    expect(await t.query("state:count")).toBe(1);
  });

  test("has the variables as they are set", async () => {
    const t = await start();
    expect(await t.query("state:changeVariables")).toEqual(["hello", null]);
    expect(await t.query("state:changeVariables")).toEqual(["hello", null]);
  });

  test.each([
    { having: "its own modules", reuseModules: false },
    { having: "all modules in common", reuseModules: true },
  ])(
    "is not disturbed by what the other one left behind, with $having",
    async ({ reuseModules }) => {
      const t = await start({ reuseModules });
      // Each use of the platform lets the one before come to its end.
      let previous = () => {};
      vi.spyOn(Blob.prototype, "arrayBuffer").mockImplementation(() => {
        previous();
        return new Promise((resolve) => {
          previous = () => resolve(new ArrayBuffer(0));
        });
      });
      await t.mutation("state:leavesSomething");
      await t.mutation("other:writes");
      expect(await t.query("state:rows")).toEqual(["later"]);
    },
  );
});

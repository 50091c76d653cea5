import { describe, expect, test } from "vitest";
import { deployments, failure } from "./harness.js";

const CHILD = {
  "schema.ts": `
    import { defineSchema, defineTable } from "convex/server";
    import { v } from "convex/values";
    export default defineSchema({ items: defineTable({ text: v.string() }) });
  `,
  "lib.ts": `
    import { query, mutation, action, internalMutation } from "./_generated/server";
    import { api, internal, components } from "./_generated/api";
    import { createFunctionHandle } from "convex/server";
    import { v } from "convex/values";
    export const add = mutation({ args: { text: v.string() }, returns: v.id("items"), handler: (ctx, a) => ctx.db.insert("items", a) });
    export const get = query({ args: { id: v.id("items") }, handler: (ctx, { id }) => ctx.db.get(id) });
    export const list = query(async (ctx) => (await ctx.db.query("items").collect()).map((i) => i.text));
    export const pages = query(async (ctx) => await ctx.db.query("items").paginate({ cursor: null, numItems: 1 }));
    export const env = query(async (ctx) => ({ value: process.env.VALUE ?? null, path: (await ctx.meta.getFunctionMetadata()).componentPath, user: await ctx.auth.getUserIdentity() }));
    export const hidden = internalMutation(async (ctx) => { await ctx.db.insert("items", { text: "hidden" }); });
    export const callsHidden = mutation(async (ctx) => { await ctx.runMutation(internal.lib.hidden, {}); });
    export const callBack = mutation({ args: { handle: v.string(), text: v.string() },
      handler: async (ctx, { handle, text }) => await ctx.runMutation(handle, { text }) });
    export const callBackLater = mutation({ args: { handle: v.string(), text: v.string() },
      handler: async (ctx, { handle, text }) => await ctx.scheduler.runAfter(10, handle, { text }) });
    export const callBackFromAction = action({ args: { handle: v.string(), text: v.string() },
      handler: async (ctx, { handle, text }) => await ctx.runMutation(handle, { text }) });
    export const later = mutation({ args: { text: v.string() },
      handler: async (ctx, { text }) => await ctx.scheduler.runAfter(10, api.lib.add, { text }) });
    export const jobs = query(async (ctx) => (await ctx.db.system.query("_scheduled_functions").collect()).map((j) => j.name));
  `,
  "deep/nested.ts": `
    import { query } from "./../_generated/server";
    import { components } from "./../_generated/api";
    export const here = query(async () => "deep");
    export const grandchild = query(async (ctx) => await ctx.runQuery(components.inner.lib.list, {}));
  `,
};

const start = deployments({
  sources: {
    "schema.ts": `
      import { defineSchema, defineTable } from "convex/server";
      import { v } from "convex/values";
      export default defineSchema({ notes: defineTable({ text: v.string() }) });
    `,
    "app.ts": `
      import { query, mutation, action, internalMutation } from "./_generated/server";
      import { api, internal, components } from "./_generated/api";
      import { createFunctionHandle } from "convex/server";
      import { v } from "convex/values";
      export const store = internalMutation({ args: { text: v.string() }, handler: async (ctx, a) => { await ctx.db.insert("notes", a); return "stored"; } });
      export const notes = query(async (ctx) => (await ctx.db.query("notes").collect()).map((n) => n.text));
      export const fill = mutation(async (ctx) => {
        await ctx.runMutation(components.one.lib.add, { text: "in one" });
        await ctx.runMutation(components.two.lib.add, { text: "in two" });
        await ctx.db.insert("notes", { text: "in app" });
      });
      export const all = query(async (ctx) => [
        await ctx.runQuery(components.one.lib.list, {}), await ctx.runQuery(components.two.lib.list, {}), await ctx.runQuery(api.app.notes, {}),
      ]);
      export const environments = query(async (ctx) => [await ctx.runQuery(components.one.lib.env, {}), await ctx.runQuery(components.two.lib.env, {})]);
      export const deep = query(async (ctx) => [await ctx.runQuery(components.one.deep.nested.here, {}), await ctx.runQuery(components.one.deep.nested.grandchild, {})]);
      export const reachesHidden = mutation(async (ctx) => { await ctx.runMutation(components.one.lib.hidden, {}); });
      export const reachesNobody = mutation(async (ctx) => { await ctx.runMutation(components.three.lib.add, {}); });
      export const callsHidden = mutation(async (ctx) => { await ctx.runMutation(components.one.lib.callsHidden, {}); });
      export const handle = query(async () => await createFunctionHandle(internal.app.store));
      export const handleOfHandle = query(async () => {
        const handle = await createFunctionHandle(internal.app.store);
        return handle === (await createFunctionHandle(handle));
      });
      export const handOver = action({ args: { through: v.string() }, handler: async (ctx, { through }) => {
        const handle = await createFunctionHandle(internal.app.store);
        const [kind, fn] = through.split(" ");
        return kind === "mutation"
          ? await ctx.runMutation(components.one.lib[fn], { handle, text: through })
          : await ctx.runAction(components.one.lib[fn], { handle, text: through });
      } });
      export const wrongHandle = mutation(async (ctx) => await ctx.runMutation(components.one.lib.callBack, { handle: "function://nonsense", text: "" }));
      export const pagesInChild = query(async (ctx) => await ctx.runQuery(components.one.lib.pages, {}));
      export const laterInChild = mutation(async (ctx) => { await ctx.runMutation(components.one.lib.later, { text: "later" }); });
      export const jobs = query(async (ctx) => [
        await ctx.runQuery(components.one.lib.jobs, {}), (await ctx.db.system.query("_scheduled_functions").collect()).map((j) => j.name) ]);
    `,
    "plain.ts": `
      import { query } from "./_generated/server";
      export default query(async () => "the default");
    `,
  },
  children: {
    one: {
      sources: CHILD,
      env: { VALUE: "1" },
      children: { inner: { sources: CHILD } },
    },
    two: { sources: CHILD },
  },
});

describe("components", () => {
  test("have tables of their own, also two mounts of one definition", async () => {
    const t = await start();
    await t.mutation("app:fill");
    expect(await t.query("app:all")).toEqual([
      ["in one"],
      ["in two"],
      ["in app"],
    ]);
  });

  test("have environments of their own, know their path, and nobody's identity", async () => {
    const t = await start();
    expect(await t.query("app:environments")).toEqual([
      { value: "1", path: "one", user: null },
      { value: null, path: "two", user: null },
    ]);
  });

  test("nest, and modules may lie in folders", async () => {
    const t = await start();
    expect(await t.query("app:deep")).toEqual(["deep", []]);
  });

  test("export their public functions only", async () => {
    const t = await start();
    expect((await failure(t.mutation("app:reachesHidden"))).message).toContain(
      'Child component "one" does not export ["lib", "hidden"]',
    );
    expect((await failure(t.mutation("app:reachesNobody"))).message).toContain(
      'Child component "three" not found',
    );
    await t.mutation("app:callsHidden");
    expect(((await t.query("app:all")) as unknown[])[0]).toEqual(["hidden"]);
  });

  test("are reached by clients with admin rights only", async () => {
    const t = await start();
    const add = (caller: "client" | "admin") =>
      t.settle(
        t.runtime.runner.mutation({
          address: { component: "one", name: "lib:add" },
          args: { text: "x" },
          caller: { kind: caller },
        }),
      );
    expect((await add("client")).outcome).toMatchObject({
      ok: false,
      message:
        "Could not find public function for 'lib:add' in component 'one'.\n",
    });
    expect((await add("admin")).outcome.ok).toBe(true);
  });

  test("cannot paginate", async () => {
    const t = await start();
    expect((await failure(t.query("app:pagesInChild"))).message).toContain(
      "paginate() is only supported in the app.",
    );
  });

  test("schedule in their own namespace", async () => {
    const t = await start();
    await t.mutation("app:laterInChild");
    expect(await t.query("app:jobs")).toEqual([["lib.js:add"], []]);
    await t.finish();
    expect(((await t.query("app:all")) as unknown[])[0]).toEqual(["later"]);
  });

  test("default exports are functions too", async () => {
    const t = await start();
    expect(await t.query("plain:default")).toBe("the default");
    expect(await t.query("plain")).toBe("the default");
    expect(await t.query("plain.js:default")).toBe("the default");
  });
});

describe("function handles", () => {
  test("let a component call what it cannot name", async () => {
    const t = await start();
    expect(await t.query("app:handle")).toMatch(
      /^function:\/\/[0-9a-z]{31,37}#app:store$/,
    );
    expect(
      await t.action("app:handOver", { through: "mutation callBack" }),
    ).toBe("stored");
    expect(
      await t.action("app:handOver", { through: "action callBackFromAction" }),
    ).toBe("stored");
    await t.action("app:handOver", { through: "mutation callBackLater" });
    await t.finish();
    expect(await t.query("app:notes")).toEqual([
      "mutation callBack",
      "action callBackFromAction",
      "mutation callBackLater",
    ]);
  });

  test("of a handle are the handle", async () => {
    const t = await start();
    expect(await t.query("app:handleOfHandle")).toBe(true);
  });

  test("of nothing lead nowhere", async () => {
    const t = await start();
    expect((await failure(t.mutation("app:wrongHandle"))).message).toContain(
      "Function handle not found",
    );
  });
});

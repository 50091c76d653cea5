/**
 * Pushes by the official CLI to a deployment that has data: what is refused changes
 * nothing, what is accepted holds at once.
 */
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { startDeployment, type Deployment } from "../src/index.js";
import { AS_IS } from "../test/cli/convex.js";
import { watch } from "../test/sync/events.js";
import { backend, conforms, docs } from "./harness/case.js";
import { api } from "./harness/deployment.js";
import { useGate } from "./harness/gate.js";
import { Project } from "./harness/project.js";
import { SkippableClock } from "./harness/skippableClock.js";

const gate = useGate();
const clock = new SkippableClock();
let deployment: Deployment;
let client: ConvexHttpClient;
let project: Project;

const SCHEMAS = docs("database/schemas");
const INDEXES = docs("database/reading-data/indexes");
const SCHEMA_CHECKS = backend("crates/common/src/schemas/mod.rs");
const DEPLOY = docs("cli/reference/deploy");

const DAY = 86_400_000;

const ROWS = `
import { anyApi, actionGeneric, mutationGeneric, queryGeneric } from "convex/server";
export const add = mutationGeneric((ctx, { table, row }) => ctx.db.insert(table, row));
export const all = queryGeneric((ctx, { table }) => ctx.db.query(table).collect());
export const by = queryGeneric((ctx, { index }) => ctx.db.query("rows").withIndex(index).collect());
export const mood = queryGeneric(() => process.env.MOOD ?? "none");
export const greeting = queryGeneric(() => "old");
export const wait = actionGeneric(async (ctx, { url }) => {
  await fetch(url);
  return ["old", await ctx.runQuery(anyApi.rows.greeting, {})];
});
export const later = mutationGeneric((ctx, { afterMs }) => ctx.scheduler.runAfter(afterMs, anyApi.passing.by, {}));
export const job = queryGeneric((ctx, { id }) => ctx.db.system.get(id));
`;
const PASSING = `
import { mutationGeneric } from "convex/server";
export const by = mutationGeneric(() => null);
`;
const schema = (tables: string, options = "{}") => `
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
export default defineSchema({ ${tables} }, ${options});
`;
const ROWS_TABLE =
  "rows: defineTable({ name: v.string(), n: v.optional(v.number()) })";

const push = (tables: string, options?: string): Promise<string> =>
  project
    .write({ "convex/schema.ts": schema(tables, options) })
    .then(() => project.deploy());
const refusal = (tables: string, options?: string): Promise<string> =>
  project
    .write({ "convex/schema.ts": schema(tables, options) })
    .then(() => project.refusal());
const add = (row: object, table = "rows"): Promise<string> =>
  client.mutation(api.rows.add, { table, row });
const all = (table = "rows"): Promise<any[]> =>
  client.query(api.rows.all, { table });
const by = (index: string): Promise<any[]> =>
  client.query(api.rows.by, { index });

beforeAll(async () => {
  deployment = await startDeployment({ clock });
  client = new ConvexHttpClient(deployment.url, { logger: false });
  project = await Project.create(deployment, {
    "convex/rows.ts": ROWS,
    "convex/passing.ts": PASSING,
    "convex/schema.ts": schema(ROWS_TABLE),
  });
  await project.deploy();
  await add({ name: "b" });
  await add({ name: "a", n: 1 });
});
afterAll(async () => {
  await deployment.close();
  await project.remove();
});

const ANYTHING = "rows: defineTable(v.any())";

describe("Pushes", () => {
  conforms(
    "a schema that the data do not fit is refused, with table, document and reason, and nothing has changed",
    SCHEMAS,
    async () => {
      await project.write({
        "convex/rows.ts": ROWS.replace('=> "old"', '=> "new"'),
      });
      const said = await refusal(
        "rows: defineTable({ name: v.string(), n: v.number() })",
      );
      await project.write({ "convex/rows.ts": ROWS });
      const [{ _id }] = await all();
      expect(said).toContain("Schema validation failed");
      expect(said).toContain(
        `Document with ID "${_id}" in table "rows" does not match the schema`,
      );
      expect(said).toContain("Object is missing the required field `n`.");
      // Neither the code nor the schema.
      expect(await client.query(api.rows.greeting, {})).toBe("old");
      await add({ name: "c" });
      await expect(add({ other: "x" })).rejects.toThrow(
        "does not match the schema",
      );
    },
  );

  conforms(
    "a schema that narrows a type is refused when a document has another value",
    SCHEMAS,
    async () => {
      const said = await refusal(
        "rows: defineTable({ name: v.literal('a'), n: v.optional(v.number()) })",
      );
      expect(said).toContain(
        'does not match literal validator `v.literal("a")`.Path: .name',
      );
    },
  );

  conforms(
    "a schema that the data fit is accepted, and holds at once",
    SCHEMAS,
    async () => {
      await push(
        "rows: defineTable({ name: v.union(v.string(), v.number()), n: v.optional(v.number()), extra: v.optional(v.string()) })",
      );
      await add({ name: 5, extra: "x" });
      await expect(add({ name: "d", extra: 1 })).rejects.toThrow(
        "does not match the schema",
      );
    },
  );

  conforms(
    "a field that documents have cannot leave the schema",
    SCHEMAS,
    async () => {
      const said = await refusal(
        "rows: defineTable({ name: v.any(), n: v.optional(v.number()) })",
      );
      expect(said).toContain(
        "Object contains extra field `extra` that is not in the validator.",
      );
    },
  );

  conforms(
    "without schemaValidation everything fits; with it again it does not",
    SCHEMAS,
    async () => {
      await push(
        "rows: defineTable({ name: v.null() })",
        "{ schemaValidation: false }",
      );
      await add({ anything: true });
      expect(await refusal("rows: defineTable({ name: v.any() })")).toContain(
        "Schema validation failed",
      );
    },
  );

  conforms(
    "a table that leaves the schema keeps its documents, unchecked",
    SCHEMAS,
    async () => {
      const before = await all();
      await push("others: defineTable({ a: v.string() })");
      expect(await all()).toEqual(before);
      await add({ whatever: 1 });
    },
  );

  conforms(
    "a table that comes into the schema is checked",
    SCHEMAS,
    async () => {
      await add({ a: 1 }, "grown");
      const said = await refusal("grown: defineTable({ a: v.string() })");
      expect(said).toContain('in table "grown"');
    },
  );

  conforms("references are checked by table", SCHEMAS, async () => {
    const grown = await add({ a: 2 }, "grown");
    await add({ of: grown }, "links");
    const links = (table: string) =>
      `grown: defineTable({ a: v.number() }), ${ANYTHING}, links: defineTable({ of: v.id("${table}") })`;
    expect(await refusal(links("rows"))).toContain(
      'which does not match the table name in validator `v.id("rows")`',
    );
    await push(links("grown"));
  });

  conforms(
    "an index is filled before the push is over, and can be used at once",
    INDEXES,
    async () => {
      await push('rows: defineTable(v.any()).index("by_name", ["name"])');
      const rows = await by("by_name");
      expect(rows).toHaveLength((await all()).length);
      const texts = rows
        .map(({ name }) => name)
        .filter((name) => typeof name === "string");
      expect(texts).toEqual([...texts].sort());
    },
  );

  conforms("an index whose fields change is filled anew", INDEXES, async () => {
    await push('rows: defineTable(v.any()).index("by_name", ["n"])');
    const [last] = (await by("by_name")).slice(-1);
    expect(last.n).toBe(1);
  });

  for (const [what, tables, message] of [
    [
      "a table name that starts with an underscore",
      "_mine: defineTable(v.any())",
      "_mine is a reserved table name.",
    ],
    [
      "an index with a field twice",
      'rows: defineTable(v.any()).index("twice", ["n", "n"])',
      "Duplicate field n. Index fields must be unique within an index.",
    ],
  ] as const) {
    conforms(`${what} is refused`, SCHEMA_CHECKS, async () => {
      expect(await refusal(tables)).toContain(message);
    });
  }

  conforms(
    "an index and a function that leave are gone; a call of it that was scheduled fails",
    backend("crates/application/src/scheduled_jobs/mod.rs"),
    async () => {
      const id: string = await client.mutation(api.rows.later, {
        afterMs: DAY,
      });
      await project.delete("convex/passing.ts");
      await push(ANYTHING);
      await expect(by("by_name")).rejects.toThrow(
        "Index rows.by_name not found.",
      );
      await expect(client.mutation(api.passing.by, {})).rejects.toThrow(
        "Could not find public function for 'passing:by'",
      );
      await expect(
        client.mutation(api.rows.later, { afterMs: 0 }),
      ).rejects.toThrow("passing");
      const watcher = new ConvexClient(deployment.url, { logger: false });
      const job = watch<any>(watcher, api.rows.job, { id });
      await job.until(({ latest }) => latest?.state.kind === "pending");
      await clock.skip(DAY);
      await job.until(({ latest }) => latest?.state.kind === "failed");
      await watcher.close();
    },
  );

  conforms(
    "an action that is running goes on with its code, what it calls is new, and so is what is watched",
    DEPLOY,
    async () => {
      const watcher = new ConvexClient(deployment.url, { logger: false });
      const greeting = watch<string>(watcher, api.rows.greeting, {});
      await greeting.until(({ latest }) => latest === "old");
      const running = client.action(api.rows.wait, { url: gate.url("push") });
      await gate.arrived("push");
      await project.write({
        "convex/rows.ts": ROWS.replaceAll('"old"', '"new"'),
      });
      await push(ANYTHING);
      gate.open("push");
      expect(await running).toEqual(["old", "new"]);
      await greeting.until(({ latest }) => latest === "new");
      await watcher.close();
    },
  );

  conforms(
    "a module that fails to load fails the push, which says which and why",
    DEPLOY,
    async () => {
      await project.write({
        "convex/broken.ts": 'throw new Error("not today");\nexport {};\n',
        "convex/rows.ts": ROWS,
      });
      const said = await refusal(ANYTHING);
      await project.delete("convex/broken.ts");
      expect(said).toContain("Failed to analyze broken.js");
      expect(said).toContain("not today");
      expect(await client.query(api.rows.greeting, {})).toBe("new");
    },
  );

  conforms("with --dry-run nothing changes", DEPLOY, async () => {
    await project.write({
      "convex/rows.ts": ROWS,
      "convex/schema.ts": schema(ANYTHING),
    });
    await project.run("deploy", "--dry-run", ...AS_IS);
    expect(await client.query(api.rows.greeting, {})).toBe("new");
  });

  conforms(
    "a component can be mounted beside data, and has its own schema checked",
    docs("components/using"),
    async () => {
      const admin = new ConvexHttpClient(deployment.url, {
        logger: false,
      }) as any;
      admin.setAdminAuth(deployment.adminKey);
      await project.write(component("v.number()"));
      await push(ANYTHING);
      await admin.function("rows:add", "part", { a: 1 });
      await project.write(component("v.string()"));
      expect(await refusal(ANYTHING)).toContain(
        'Schema validation failed in component "part"',
      );
      expect(await admin.function("rows:all", "part", {})).toMatchObject([
        { a: 1 },
      ]);
    },
  );

  conforms(
    "a variable's new value is seen by who watches a query that read it",
    docs("production/environment-variables"),
    async () => {
      const watcher = new ConvexClient(deployment.url, { logger: false });
      const mood = watch<string>(watcher, api.rows.mood, {});
      await mood.until(({ latest }) => latest === "none");
      await project.run("env", "set", "MOOD", "good");
      await mood.until(({ latest }) => latest === "good");
      await watcher.close();
    },
  );
});

function component(type: string): Record<string, string> {
  return {
    "part/convex.config.ts": `
import { defineComponent } from "convex/server";
export default defineComponent("part");
`,
    "part/schema.ts": schema(`rows: defineTable({ a: ${type} })`),
    "part/rows.ts": `
import { mutationGeneric, queryGeneric } from "convex/server";
export const add = mutationGeneric((ctx, { a }) => ctx.db.insert("rows", { a }));
export const all = queryGeneric((ctx) => ctx.db.query("rows").collect());
`,
    "convex/convex.config.ts": `
import { defineApp } from "convex/server";
import part from "../part/convex.config";
const app = defineApp();
app.use(part);
export default app;
`,
  };
}

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SeededRandomness, VirtualClock } from "../../src/clock.js";
import { Deployer } from "../../src/deploy/deployer.js";
import { createEvaluator } from "../../src/deploy/evaluator.js";
import { DEPLOY_TABLES } from "../../src/deploy/store.js";
import {
  createModuleLoader,
  DEPLOYMENT_TABLES,
  SYSTEM_TABLES,
  type Ability,
} from "../../src/runtime/index.js";
import { openDatabase, type Database } from "../../src/storage/index.js";
import {
  child,
  pushRequest,
  schemaOf,
  type ComponentSources,
} from "./pushes.js";

// Bundling and processes take their time on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

let database: Database;
let deployer: Deployer;
let activations: number;

function createDeployer(lacks: Ability[] = []): Deployer {
  const clock = new VirtualClock();
  const randomness = new SeededRandomness(1);
  return new Deployer({
    database,
    randomness,
    lacks: new Set(lacks),
    evaluator: createEvaluator({
      modules: createModuleLoader(),
      clock,
      randomness,
    }),
    systemEnv: {
      CONVEX_CLOUD_URL: "http://cloud",
      CONVEX_SITE_URL: "http://site",
    },
    onActivate: () => (activations += 1),
  });
}

beforeEach(() => {
  activations = 0;
  database = openDatabase({
    clock: new VirtualClock(),
    randomness: new SeededRandomness(2),
    systemTables: SYSTEM_TABLES,
    deploymentTables: [...DEPLOYMENT_TABLES, ...DEPLOY_TABLES],
  });
  deployer = createDeployer();
});

afterEach(() => database.close());

const FUNCTIONS = `
  import { queryGeneric, internalMutationGeneric } from "convex/server";
  import { v } from "convex/values";
  export const read = queryGeneric({ args: { n: v.number() }, returns: v.null(), handler: () => null });
  export const write = internalMutationGeneric(async () => {});
  export const helper = () => 1;
`;
const NOTES: ComponentSources = {
  modules: { notes: FUNCTIONS },
  schema: schemaOf("notes", "{ text: v.string() }"),
};

async function push(
  app: ComponentSources,
  components: Record<string, ComponentSources> = {},
): Promise<any> {
  const startPush = await deployer.startPush(
    await pushRequest(app, components),
  );
  return deployer.finishPush({ startPush, dryRun: false });
}

function insert(namespace: string, value: Record<string, string | number>) {
  const transaction = database.begin();
  transaction.insert(namespace, "notes", value);
  database.commit(transaction);
}

describe("a push", () => {
  test("finds functions with their kind, visibility and validators", async () => {
    await push(NOTES);
    expect(deployer.app.definitions[""]!.functions).toEqual({
      "notes:read": {
        type: "query",
        visibility: "public",
        args: {
          type: "object",
          value: { n: { fieldType: { type: "number" }, optional: false } },
        },
        returns: { type: "null" },
      },
      "notes:write": {
        type: "mutation",
        visibility: "internal",
        args: { type: "any" },
        returns: null,
      },
    });
  });

  test("changes nothing until it is finished", async () => {
    const startPush = await deployer.startPush(await pushRequest(NOTES));
    expect(deployer.waitForSchema(startPush)).toEqual({ type: "complete" });
    expect(deployer.app.definitions[""]!.functions).toEqual({});
    expect(activations).toBe(0);
    expect(createDeployer().code.version).toBe(0);

    deployer.finishPush({ startPush, dryRun: false });
    expect(activations).toBe(1);
    expect(createDeployer().code).toEqual(deployer.code);
  });

  test("that is a rehearsal cannot be finished for real", async () => {
    const startPush = await deployer.startPush(
      await pushRequest(NOTES, {}, { dryRun: true }),
    );
    expect(() => deployer.finishPush({ startPush, dryRun: false })).toThrow(
      "This push is not known",
    );
    deployer.finishPush({ startPush, dryRun: true });
    expect(deployer.code.version).toBe(0);
  });

  test("whose schema does not fit the data is refused as a whole", async () => {
    await push(NOTES);
    insert("", { text: "a note" });
    const before = deployer.code;
    const startPush = await deployer.startPush(
      await pushRequest({
        modules: { other: FUNCTIONS },
        schema: schemaOf("notes", "{ text: v.number() }"),
      }),
    );
    expect(deployer.waitForSchema(startPush)).toMatchObject({
      type: "failed",
      componentPath: "",
      tableName: "notes",
      error: expect.stringContaining("does not match the schema"),
    });
    expect(() => deployer.finishPush({ startPush, dryRun: false })).toThrow(
      "Schema validation failed",
    );
    expect(deployer.code).toBe(before);
    expect(createDeployer().code).toEqual(before);
    // The old schema is still in force.
    insert("", { text: "another" });
    expect(() => insert("", { text: 1 })).toThrow();
  });

  test("fails when variables changed since it was evaluated", async () => {
    const startPush = await deployer.startPush(await pushRequest(NOTES));
    deployer.updateEnvironment([{ name: "NEW", value: "1" }]);
    expect(() => deployer.finishPush({ startPush, dryRun: false })).toThrow(
      "Environment variables have changed during push",
    );
  });

  test("tells the CLI which indexes it adds and removes", async () => {
    const created = await push(NOTES);
    expect(created.componentDiffs[""].indexDiff.added_indexes).toEqual([
      {
        name: "notes.by_text",
        type: "database",
        fields: ["text", "_creationTime"],
        staged: false,
      },
    ]);
    const dropped = await push({ modules: NOTES.modules! });
    expect(dropped.componentDiffs[""].indexDiff.removed_indexes).toHaveLength(
      1,
    );
  });

  test("takes over the modules that did not change by their hash", async () => {
    await push(NOTES);
    const { moduleHashes } = deployer.configHashes() as {
      moduleHashes: { path: string; hash: string; environment: string }[];
    };
    const request = (await pushRequest({})) as any;
    request.appDefinition.unchangedModuleHashes = moduleHashes.map(
      ({ hash, ...rest }) => ({ ...rest, sha256: hash }),
    );
    const startPush = await deployer.startPush(request);
    deployer.finishPush({ startPush, dryRun: false });
    expect(Object.keys(deployer.app.definitions[""]!.functions)).toContain(
      "notes:read",
    );

    request.appDefinition.unchangedModuleHashes[0].sha256 = "0".repeat(64);
    await expect(deployer.startPush(request)).rejects.toThrow(
      "another push came in between",
    );
  });

  test("keeps sources whole, however long and whatever is in them", async () => {
    const text = "é😀".repeat(200_000);
    await push({
      modules: { long: `export const text = ${JSON.stringify(text)};` },
    });
    const [kept] = createDeployer().code.definitions[""]!.modules;
    // Not compared by the matcher, which would print all of it.
    expect(kept!.source.includes(text)).toBe(true);
    expect(
      kept!.source === deployer.code.definitions[""]!.modules[0]!.source,
    ).toBe(true);
  });
});

describe("components", () => {
  const COUNTER: ComponentSources = {
    config: `
      import { defineComponent } from "convex/server";
      import { v } from "convex/values";
      export default defineComponent("counter", { env: { STEP: v.union(v.literal("1"), v.literal("2")) } });
    `,
    modules: { notes: FUNCTIONS },
    schema: NOTES.schema!,
  };
  const app = (use: string, env = "{}"): ComponentSources => ({
    config: `
      import { defineApp } from "convex/server";
      import { v } from "convex/values";
      import counter from "${child("../counter")}";
      const app = defineApp({ env: ${env} });
      ${use}
      export default app;
    `,
    dependencies: ["../counter"],
  });

  test("are mounted under their names with the values bound to them", async () => {
    deployer.updateEnvironment([{ name: "STEP", value: "2" }]);
    await push(
      app(
        'app.use(counter, { env: { STEP: "1" } }); app.use(counter, { name: "other", env: { STEP: app.env.STEP } });',
        '{ STEP: v.union(v.literal("1"), v.literal("2")) }',
      ),
      { "../counter": COUNTER },
    );
    const { components } = deployer.app;
    expect(components[""]!.children).toEqual({
      counter: "counter",
      other: "other",
    });
    expect(components.counter!.env.STEP).toBe("1");
    expect(components.other!.env.STEP).toBe("2");
    expect(() =>
      deployer.updateEnvironment([{ name: "STEP", value: "3" }]),
    ).toThrow('"3" is not one of "1", "2"');
    expect(() =>
      deployer.updateEnvironment([{ name: "STEP", value: null }]),
    ).toThrow("declares it as required");
  });

  test.each([
    ["app.use(counter);", "{}", 'is missing required env var "STEP"'],
    [
      'app.use(counter, { env: { STEP: "3" } });',
      "{}",
      'has an invalid value for env var "STEP"',
    ],
    [
      'app.use(counter, { env: { STEP: "1", PACE: "1" } });',
      "{}",
      'has no env var named "PACE"',
    ],
    [
      "app.use(counter, { env: { STEP: app.env.S } });",
      "{ S: v.string() }",
      "validator is not satisfied by parent env var S",
    ],
    [
      "app.use(counter, { env: { STEP: app.env.S } });",
      '{ S: v.optional(v.literal("1")) }',
      "is required, but parent env var S is optional",
    ],
    [
      'app.use(counter, { env: { STEP: "1" } }); app.use(counter, { env: { STEP: "1" } });',
      "{}",
      'Duplicate component name "counter"',
    ],
    [
      'app.use(counter, { httpPrefix: "/c/", env: { STEP: "1" } });',
      "{}",
      "doesn't have any HTTP routes",
    ],
  ])("cannot be mounted with %s", async (use, env, message) => {
    await expect(
      deployer.startPush(
        await pushRequest(app(use, env), { "../counter": COUNTER }),
      ),
    ).rejects.toThrow(message);
  });

  test("that are unmounted are gone with their tables", async () => {
    await push(app('app.use(counter, { env: { STEP: "1" } });'), {
      "../counter": COUNTER,
    });
    insert("counter", { text: "kept by the component" });
    expect(database.begin().count("counter", "notes")).toBe(1);

    const diff = await push(NOTES);
    expect(diff.componentDiffs.counter.diffType).toEqual({ type: "unmount" });
    expect(database.begin().count("counter", "notes")).toBe(0);
    expect(deployer.app.components.counter).toBeUndefined();
  });

  test("export their public functions, for the types the CLI generates", async () => {
    const answer: any = await deployer.startPush(
      await pushRequest(app('app.use(counter, { env: { STEP: "1" } });'), {
        "../counter": COUNTER,
      }),
    );
    expect(answer.analysis["../counter"].definition.exports.branch).toEqual([
      [
        "notes",
        {
          type: "branch",
          branch: [
            ["read", { type: "leaf", leaf: "_reference/function/notes:read" }],
          ],
        },
      ],
    ]);
  });
});

describe("an app is refused that", () => {
  const SCHEMA = (definition: string) => ({
    schema: `
      import { defineSchema, defineTable } from "convex/server";
      import { v } from "convex/values";
      export default defineSchema({ notes: ${definition} });
    `,
  });
  const TABLE = "defineTable({ text: v.string() })";

  test.each([
    [
      "has a vector index",
      SCHEMA(
        'defineTable({ e: v.array(v.float64()) }).vectorIndex("by_e", { vectorField: "e", dimensions: 4 })',
      ),
      'the vector index "by_e" cannot be built',
    ],
    [
      "indexes its creation time",
      SCHEMA(`${TABLE}.index("by_time", ["text", "_creationTime"])`),
      "automatically added to the end of each index",
    ],
    [
      "has two indexes alike",
      SCHEMA(`${TABLE}.index("a", ["text"]).index("b", ["text"])`),
      'index "a" and index "b" have the same fields',
    ],
    [
      "has no schema in its schema.ts",
      { schema: "export const x = 1;" },
      "Schema file missing default export",
    ],
    [
      "has no router in its http.ts",
      { modules: { http: "export default {};" } },
      "is not a Router",
    ],
    [
      "throws while it is loaded",
      { modules: { bad: 'throw new TypeError("no"); export {};' } },
      /Failed to analyze bad\.js: Uncaught TypeError: no/,
    ],
    [
      "queries while it is loaded",
      {
        modules: {
          bad: "await Promise.resolve(1); export {};",
        },
      },
      /bad\.js/,
    ],
  ])("%s", async (_what, sources: ComponentSources, message) => {
    await expect(
      deployer.startPush(await pushRequest(sources)),
    ).rejects.toThrow(message);
  });

  test("names commit timestamps, which an older deployment does not know", async () => {
    const request = await pushRequest({
      schema: schemaOf("rows", "{ text: v.string(), at: v.commitTs() }"),
    });
    await expect(deployer.startPush(request)).resolves.toBeDefined();
    await expect(
      createDeployer(["commitTs"]).startPush(request),
    ).rejects.toThrow("unknown variant `commitTs`, expected one of `null`");
    await expect(
      createDeployer(["getSnapshotTs"]).startPush(request),
    ).resolves.toBeDefined();
  });

  test("wants packages installed", async () => {
    const request = (await pushRequest({})) as any;
    request.nodeDependencies = [{ name: "sharp", version: "1.0.0" }];
    await expect(deployer.startPush(request)).rejects.toThrow(
      "cannot install external Node packages (sharp)",
    );
  });

  test("lacks what it declares as required", async () => {
    const startPush = await deployer.startPush(
      await pushRequest({
        config: `
          import { defineApp } from "convex/server";
          import { v } from "convex/values";
          export default defineApp({ env: { TOKEN: v.string() } });
        `,
      }),
    );
    expect(() => deployer.finishPush({ startPush, dryRun: false })).toThrow(
      "Required environment variables are not set: TOKEN",
    );
  });
});

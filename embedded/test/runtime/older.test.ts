import { beforeAll, describe, expect, test } from "vitest";
import {
  withOlderPackage,
  type PackageFeature,
} from "../../src/olderPackage.js";
import { ABILITIES, type Ability } from "../../src/runtime/index.js";
import type { App } from "../../src/runtime/types.js";
import { createApp, deploy, type TestDeployment } from "./harness.js";

const SOURCES = {
  "schema.ts": `
    import { defineSchema, defineTable } from "convex/server";
    import { v } from "convex/values";
    export default defineSchema({
      rows: defineTable({ at: v.optional(v.commitTs()) }).index("by_at", ["at"]),
    });
  `,
  "probe.ts": `
    import { action, mutation, query, internalQuery, internalMutation } from "./_generated/server";
    import { internal } from "./_generated/api";

    /** What a function that catches everything is told. */
    async function told(run) {
      try {
        return { value: await run() };
      } catch (error) {
        return { error: error.message };
      }
    }
    export const countRows = internalQuery(async (ctx) =>
      (await ctx.db.query("rows").collect()).length);
    export const writeRows = internalMutation(async (ctx) => {
      for (let i = 0; i < 5; i++) await ctx.db.insert("rows", {});
      return "five";
    });
    const PROBES = {
      getTransactionMetrics: async (ctx) =>
        (await ctx.meta.getTransactionMetrics()).documentsRead.used,
      getDeploymentMetadata: async (ctx) =>
        (await ctx.meta.getDeploymentMetadata()).class,
      getSnapshotTs: async (ctx) => typeof ctx.meta.getSnapshotTs(),
      useStaleSnapshot: async (ctx) => {
        await ctx.db.insert("rows", {});
        return ctx.runQuery(internal.probe.countRows, {}, { useStaleSnapshot: true });
      },
      transactionLimits: async (ctx) =>
        ctx.runMutation(internal.probe.writeRows, {}, {
          transactionLimits: { documentsWritten: 2 },
        }),
      insert: async (ctx) => {
        await ctx.db.insert("rows", { at: ctx.db.vars.commitTs });
        return "inserted";
      },
      patch: async (ctx) => {
        const id = await ctx.db.insert("rows", {});
        await ctx.db.patch(id, { at: ctx.db.vars.commitTs });
        return "patched";
      },
      replace: async (ctx) => {
        const id = await ctx.db.insert("rows", {});
        await ctx.db.replace(id, { at: ctx.db.vars.commitTs });
        return "replaced";
      },
      passOn: async (ctx) => {
        await ctx.runMutation(internal.probe.writeRows, { at: ctx.db.vars.commitTs });
        return "passed on";
      },
    };
    export const inMutation = mutation(async (ctx, { probe }) => {
      const answer = await told(() => PROBES[probe](ctx));
      // It can go on all the same.
      await ctx.db.insert("rows", {});
      return answer;
    });
    export const inQuery = query((ctx, { probe }) => told(() => PROBES[probe](ctx)));
    export const inAction = action((ctx, { probe }) => told(() => PROBES[probe](ctx)));
  `,
};

let app: App;
beforeAll(async () => {
  app = await createApp({ sources: SOURCES });
});

async function ask(
  { lacks = [], without = [] }: Parameters<typeof open>[0],
  kind: "Mutation" | "Query" | "Action",
  probe: string,
): Promise<unknown> {
  const deployment = await open({ lacks, without });
  try {
    const call = kind.toLowerCase() as "mutation" | "query" | "action";
    return await deployment[call](`probe:in${kind}`, { probe });
  } finally {
    deployment.close();
  }
}

function open({
  lacks = [],
  without = [],
}: {
  lacks?: Ability[];
  without?: PackageFeature[];
}): Promise<TestDeployment> {
  return deploy(withOlderPackage(app, without), { lacks });
}

const DOLLAR = "Field name $commitTs starts with '$', which is reserved.";
const CASES: [Ability, string, answer: unknown, older: unknown][] = [
  ["getTransactionMetrics", "getTransactionMetrics", { value: 0 }, {
    error: "getTransactionMetrics() can only be called from a query or mutation. It is not available in actions or outside of a Convex function.",
  }],
  ["getDeploymentMetadata", "getDeploymentMetadata", { value: "s256" }, {
    error: "Unknown async operation 1.0/getDeploymentMetadata",
  }],
  ["getSnapshotTs", "getSnapshotTs", { value: "bigint" }, {
    error: "Unknown operation 1.0/getSnapshotTs",
  }],
  ["useStaleSnapshot", "useStaleSnapshot", { value: 0 }, {
    error: 'Invalid argument `udfType` for `runUdf`: Expected UdfType, got "snapshotQuery"',
  }],
  ["commitTs", "insert", { value: "inserted" }, {
    error: `Invalid argument \`value\` for \`db.insert\`: ${DOLLAR}`,
  }],
  ["commitTs", "patch", { value: "patched" }, {
    error: `Invalid argument \`value\` for \`db.patch\`: ${DOLLAR}`,
  }],
  ["commitTs", "replace", { value: "replaced" }, {
    error: `Invalid argument \`value\` for \`db.replace\`: ${DOLLAR}`,
  }],
  ["commitTs", "passOn", { value: "passed on" }, {
    error: `Invalid argument \`args\` for \`runUdf\`: ${DOLLAR}`,
  }],
]; // prettier-ignore

describe("a deployment of an earlier time", () => {
  test.each(CASES)("without %s: %s", async (ability, probe, today, before) => {
    expect(await ask({}, "Mutation", probe)).toEqual(today);
    expect(await ask({ lacks: [ability] }, "Mutation", probe)).toEqual(before);
    // Nothing else is missing for it.
    const others = ABILITIES.filter((each) => each !== ability);
    const answer = await ask({ lacks: others }, "Mutation", probe);
    expect(answer).toEqual(today);
  });

  test("without transactionLimits: a nested call has all that its caller has left", async () => {
    const limited = (await ask({}, "Mutation", "transactionLimits")) as {
      error: string;
    };
    expect(limited.error).toContain("Too many writes in a single function execution (limit: 2)");
    expect(
      await ask(
        { lacks: ["transactionLimits"] },
        "Mutation",
        "transactionLimits",
      ),
    ).toEqual({ value: "five" });
  });

  test.each([
    ["Query", "getSnapshotTs", "Unknown operation 1.0/getSnapshotTs"],
    [
      "Query",
      "getDeploymentMetadata",
      "Unknown async operation 1.0/getDeploymentMetadata",
    ],
    [
      "Action",
      "getDeploymentMetadata",
      "Unknown async operation 1.0/getDeploymentMetadata",
    ],
  ] as const)("in a %s as well: %s", async (kind, probe, error) => {
    expect(await ask({ lacks: [probe] }, kind, probe)).toEqual({ error });
  });
});

describe("code bundled with an older convex package", () => {
  test.each([
    ["getSnapshotTs", "ctx.meta.getSnapshotTs is not a function"],
    [
      "getDeploymentMetadata",
      "ctx.meta.getDeploymentMetadata is not a function",
    ],
    [
      "getTransactionMetrics",
      "ctx.meta.getTransactionMetrics is not a function",
    ],
  ] as const)("has no %s", async (feature, error) => {
    expect(await ask({ without: [feature] }, "Mutation", feature)).toEqual({
      error,
    });
    const other =
      feature === "getSnapshotTs" ? "getDeploymentMetadata" : "getSnapshotTs";
    expect(await ask({ without: [feature] }, "Mutation", other)).toHaveProperty(
      "value",
    );
  });

  test("has no ctx.meta at all", async () => {
    expect(
      await ask({ without: ["meta"] }, "Mutation", "getDeploymentMetadata"),
    ).toEqual({
      error:
        "Cannot read properties of undefined (reading 'getDeploymentMetadata')",
    });
  });

  test("has no ctx.db.vars", async () => {
    expect(await ask({ without: ["vars"] }, "Mutation", "insert")).toEqual({
      error: "Cannot read properties of undefined (reading 'commitTs')",
    });
  });

  test("ignores options that it does not know", async () => {
    expect(
      await ask(
        { without: ["useStaleSnapshot"] },
        "Mutation",
        "useStaleSnapshot",
      ),
    ).toEqual({ value: 1 });
    expect(
      await ask(
        { without: ["transactionLimits"] },
        "Mutation",
        "transactionLimits",
      ),
    ).toEqual({ value: "five" });
  });

  test("is not made of code in which the feature is not found", () => {
    const other = { ...app, definitions: {} };
    expect(() => withOlderPackage(other, ["vars"])).toThrow(
      "The app's bundles have no vars of the convex package to leave out.",
    );
  });
});

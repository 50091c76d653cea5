/** What callbacks, `get` and the log are told of functions that throw, word for word. */
import { describe, expect, test } from "vitest";
import type { App } from "../../embedded/src/runtime/types.js";
import { act, mutate } from "../../sim/works.js";
import type { Work } from "../../sim/app/convex/works.js";
import { pushedApp, Simulation } from "./simulation.js";

const KEPT = { statusTtl: 60 * 60_000 };

/** What its callback and `get` are told; both the same. */
async function errorOf(work: Work): Promise<string> {
  const simulation = await Simulation.open();
  const [id] = await simulation.enqueue({ ...work, ...KEPT });
  await simulation.pass(5_000);
  const [outcome] = simulation.rows("outcomes");
  const { result, lastError } = await simulation.query("get", { id });
  expect(outcome!.result).toEqual(result);
  expect(result.error).toBe(lastError);
  return withoutPlaces(lastError);
}

/** Where the app lies, and lines and columns, are not for this test to say. */
const withoutPlaces = (text: string) =>
  text.replace(/\((?:\.\.\/)+([^\s():]+):\d+:\d+\)/g, "($1)");

const job = (fnType: Work["fnType"], fn: string, args = {}): Work => ({
  fnType,
  fn,
  args: { key: "k", ...args },
});

describe("the error of a work is what its function threw, with its frames and no others:", () => {
  const THROWN_ON_PURPOSE =
    "Uncaught Error: thrown on purpose\n    at troubled (convex/jobs.ts)\n    at handler (convex/jobs.ts)\n";

  test.each<[string, Work, string]>([
    [
      "a mutation",
      mutate("k", { fail: true }),
      "Uncaught Error: k refused\n    at handler (convex/jobs.ts)\n",
    ],
    [
      "a query",
      job("query", "readInTrouble", { trouble: "throws" }),
      THROWN_ON_PURPOSE,
    ],
    [
      "an action",
      job("action", "actInTrouble", { ms: 1, trouble: "throws" }),
      THROWN_ON_PURPOSE,
    ],
    [
      "a mutation that calls another",
      job("mutation", "mutateThrough"),
      "Uncaught Error: k refused\n    at handler (convex/jobs.ts)\n    at async handler (convex/jobs.ts)\n",
    ],
    [
      "an action that calls a mutation that calls another",
      job("action", "actThroughMutation"),
      "Uncaught Error: k refused\n    at handler (convex/jobs.ts)\n    at async handler (convex/jobs.ts)\n    at async handler (convex/jobs.ts)\n",
    ],
    [
      "a ConvexError",
      job("mutation", "refuseWithData"),
      'Uncaught ConvexError: {"code":"taken","key":"k"}\n    at handler (convex/jobs.ts)\n',
    ],
    [
      "a NonRetryableError",
      job("mutation", "mutateInTrouble", { trouble: "is hopeless" }),
      "there is no hope",
    ],
  ])("%s", async (_, work, text) => {
    expect(await errorOf(work)).toBe(text);
  });

  test("results that cannot be kept, or are of the wrong type", async () => {
    const trouble = (trouble: string) =>
      errorOf(job("mutation", "mutateInTrouble", { trouble }));
    expect(await trouble("returns too much")).toMatch(
      /^The result of \S*mutateInTrouble is too large: 1000003 bytes \(limit: 1000000 bytes\)$/,
    );
    expect(await trouble("returns the wrong type")).toMatch(
      /^ReturnsValidationError: [^/]*$/,
    );
  });
});

test("the error of a callback is what it threw, in `get` and in the log", async () => {
  const simulation = await Simulation.open();
  const [id] = await simulation.enqueue(
    act("k", {}, { ...KEPT, onComplete: "recordAndFail" }),
  );
  await simulation.pass(60_000);
  const { callback } = await simulation.query("get", { id });
  const text = "Uncaught Error: never\n    at handler (convex/callbacks.ts)\n";
  expect(withoutPlaces(callback.lastError)).toBe(text);
  // Texts of several lines are printed as a sum of their lines.
  const logged = simulation.log
    .filter((line) => line.includes("onComplete of"))
    .map((line) => line.replace(/\\n' \+\n +'/g, "\n"));
  expect(logged.length).toBeGreaterThan(1);
  for (const line of logged) {
    expect(withoutPlaces(line)).toContain(`: ${text.trim()}`);
    expect(line).not.toMatch(/src\/component|Uncaught.*Uncaught/);
  }
});

/** The app after a deploy without these functions. */
function appWithout(...names: string[]): App {
  const app = pushedApp();
  const { definitionPath } = app.components[""]!;
  const definition = app.definitions[definitionPath]!;
  const functions = Object.fromEntries(
    Object.entries(definition.functions).filter(
      ([name]) => !names.includes(name),
    ),
  );
  return {
    ...app,
    version: app.version + 1,
    definitions: {
      ...app.definitions,
      [definitionPath]: { ...definition, functions },
    },
  };
}

describe("a function that a deploy removed is named", () => {
  const later = { ...KEPT, runAfter: 1_000 };
  const gone = (name: string) =>
    expect.stringMatching(
      new RegExp(
        `^${name} does not exist in the deployed code any more: it was removed or renamed after it was enqueued \\(Function handle not found\\)$`,
      ),
    );

  test.each([
    ["mutation", "mutate"],
    ["query", "read"],
    ["action", "act"],
  ] as const)("a %s", async (fnType, fn) => {
    const simulation = await Simulation.open();
    const [id] = await simulation.enqueue({ ...job(fnType, fn), ...later });
    await simulation.deploy(appWithout(`jobs:${fn}`));
    await simulation.pass(10_000);
    expect(await simulation.query("get", { id })).toMatchObject({
      result: { kind: "failed", error: gone(`jobs:${fn}`) },
      attempts: 1,
    });
  });

  test("an action with retries goes on when the next deploy brings it back", async () => {
    const simulation = await Simulation.open();
    const retry = { maxAttempts: 4, initialBackoffMs: 10_000, base: 1 };
    const [id] = await simulation.enqueue(act("k", {}, { ...later, retry }));
    await simulation.deploy(appWithout("jobs:act"));
    await simulation.pass(5_000);
    expect(await simulation.query("get", { id })).toMatchObject({
      attempts: 1,
      lastError: gone("jobs:act"),
    });
    await simulation.deploy(pushedApp());
    await simulation.drain();
    expect(await simulation.query("get", { id })).toMatchObject({
      result: { kind: "success" },
    });
  });

  test("a callback", async () => {
    const simulation = await Simulation.open();
    const [id] = await simulation.enqueue(act("k", {}, later));
    await simulation.deploy(appWithout("callbacks:record"));
    await simulation.pass(10_000);
    expect(await simulation.query("get", { id })).toMatchObject({
      result: { kind: "success" },
      callback: { state: "owed", lastError: gone("onComplete of jobs:act") },
    });
  });
});

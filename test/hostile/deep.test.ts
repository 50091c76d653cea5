/** Values that are deeper than a document may be arrive as they are, wherever they are kept meanwhile. */
import { jsonToConvex } from "convex/values";
import { beforeAll, describe, expect, test } from "vitest";
import { callApp, callClient, callComponent, rows } from "./pool.js";
import { Victim } from "./victim.js";

const victim = Victim.forThisFile();
beforeAll(async () => {
  await callComponent(victim(), "config:update", { maxParallelism: 50 });
});

/** So many lists and objects in each other; inside, what JSON has no word for. */
function nested(levels: number): any {
  let value: unknown = { text: "ü", int: 7n, float: Infinity };
  for (let level = 1; level < levels; level++) {
    value = level % 2 === 0 ? [value] : { value };
  }
  return value;
}

const LEVELS = [13, 14, 15, 16, 17, 50];
const works = ["Action", "Mutation", "Query"].flatMap((kind) =>
  LEVELS.map((levels) => ({
    kind,
    fnArgs: { x: nested(levels - 1) },
    context: { name: `${kind} ${levels}`, x: nested(levels - 1) },
  })),
);

/** What callbacks were told, by the name in their context. */
const told = () =>
  Object.fromEntries(
    rows(victim(), "notes", "")
      .filter(({ text }) => text !== "ready")
      .map(({ text }) => jsonToConvex(JSON.parse(text)) as any)
      .map(({ context, result }) => [context.name, { context, result }]),
  );

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe("works of all kinds, with values of up to 50 levels,", () => {
  const ids: string[] = [];
  const info = async (id: string) =>
    ((await callClient(victim(), "inQuery", "get", [id])) as any).value;

  test("end, and keep their result while a callback is owed", async () => {
    for (const work of works) {
      ids.push(((await callApp(victim(), "pool:echo", work)) as any).value);
    }
    for (const [index, id] of ids.entries()) {
      await until(async () => (await info(id)).callback?.state === "owed");
      expect((await info(id)).result).toEqual({
        kind: "success",
        returnValue: works[index]!.fnArgs,
      });
    }
  });

  test("tell their callback what they were given", async () => {
    await callApp(victim(), "notes:add", { text: "ready" });
    await until(() => Object.keys(told()).length === works.length);
    expect(told()).toEqual(
      Object.fromEntries(
        works.map(({ fnArgs, context }) => [
          context.name,
          { context, result: { kind: "success", returnValue: fnArgs } },
        ]),
      ),
    );
  });

  test("leave nothing but their outcomes", async () => {
    await until(() => rows(victim(), "work").length === 0);
    const kept = rows(victim(), "complete").flatMap(
      ({ resultId }) => resultId ?? [],
    );
    const payloads = rows(victim(), "payload").map(({ _id }) => _id);
    expect(payloads.sort()).toEqual(kept.sort());
    expect(payloads.length).toBeGreaterThan(0);
  });
});

describe("51 levels", () => {
  const fine = { kind: "Action", fnArgs: {}, context: null };
  test.each([
    ["arguments", { fnArgs: { x: nested(50) } }],
    ["onComplete context", { context: nested(51) }],
  ])("of the %s are refused", async (what, deep) => {
    const outcome = await callApp(victim(), "pool:echo", { ...fine, ...deep });
    expect(outcome).toMatchObject({
      refused: expect.stringMatching(
        new RegExp(
          `The ${what} of .*echoAction may be nested at most 50 levels deep\\.`,
        ),
      ),
      wrote: false,
    });
  });
});

/** Ids that name nothing that could be meant, and wires of attempts that are over or never were. */
import { beforeAll, describe, expect, test } from "vitest";
import { dump, goesOn, type Life, populate, valueOf } from "./life.js";
import { callApp, callClient, callComponent, rows } from "./pool.js";
import { Victim } from "./victim.js";

const victim = Victim.forThisFile();

let life: Life;
beforeAll(async () => {
  life = await populate(victim());
});

const NOBODY = { matched: 0, skipped: 0, isDone: true };

/** By what they are. */
const IDS: Record<string, () => unknown> = {
  nothing: () => "",
  "a word": () => "nope",
  "a null character": () => "\0",
  "an emoji": () => "🧨",
  "a megabyte": () => "x".repeat(1_000_000),
  "what looks like one": () => `k17${"0".repeat(29)}`,
  "a work that is not kept": () => life.ids.gone,
  "an outcome": () => rows(victim(), "complete")[0]._id,
  "an entry of the queue": () => rows(victim(), "pendingStart")[0]._id,
  "the settings": () => rows(victim(), "config")[0]._id,
  "a key": () => rows(victim(), "unique")[0]._id,
  "a tag": () => rows(victim(), "tag")[0]._id,
  "a scheduled function": () => rows(victim(), "_scheduled_functions")[0]._id,
  "a row of the app": () => rows(victim(), "notes", "")[0]._id,
  "a work of another pool": async () =>
    rows(victim(), "work", "other")[0]?._id ?? (await enqueueElsewhere()),
};

async function enqueueElsewhere(): Promise<string> {
  const { body } = await victim().post("/api/query", {
    path: "pool:handleOf",
    args: { name: "act" },
  });
  const item = {
    fnHandle: body.value,
    fnName: "act",
    fnArgs: {},
    fnType: "action",
    runAt: Date.now() + 1e9,
    config: { maxParallelism: 0 },
  };
  return valueOf(await callComponent(victim(), "lib:enqueue", item, "other"));
}

/** A call by id, and its answer where nothing has that id. */
const CALLS: [string, unknown[], unknown][] = [
  ["get", [], null],
  ["status", [], { state: "finished" }],
  ["cancel", [], "unknown"],
  ["cancel", [{ running: "abandon" }], "unknown"],
  ["retry", [], NOBODY],
  ["retry", [{ delayMs: 5, spreadMs: 5, resetAttempts: false }], NOBODY],
  ["retryCallbacks", [], NOBODY],
  ["forget", [], NOBODY],
  ["update", [{ runAfter: 5 }], "unknown"],
  ["complete", ["result"], "unknown"],
  ["fail", ["error"], "unknown"],
];

describe.each(Object.keys(IDS))("the id of %s", (what) => {
  test("is unknown, and nothing changes", async () => {
    const id = await IDS[what]!();
    expect(id).toEqual(expect.any(String));
    const before = dump(victim());
    for (const [method, more, answer] of CALLS) {
      expect(
        await callClient(victim(), "inMutation", method, [id, ...more]),
        method,
      ).toEqual({ value: answer, wrote: false });
    }
    for (const name of ["listen", "beat"]) {
      expect(
        await callComponent(victim(), `attempts:${name}`, { id, fence: 0 }),
      ).toEqual({ value: "superseded", wrote: false });
    }
    expect(
      await callComponent(victim(), "attempts:suspend", {
        id,
        fence: 0,
        timeoutMs: 1_000,
      }),
    ).toEqual({ value: "superseded", wrote: false });
    expect(dump(victim())).toEqual(before);
  });
});

describe("works that have ended", () => {
  test.each(["failed", "success", "canceled"] as const)(
    "one with %s is not changed by what is for others",
    async (kind) => {
      const id = life.ids[kind];
      const before = dump(victim());
      const skipped = { matched: 0, skipped: 1, isDone: true };
      for (const [method, more, answer] of [
        ["cancel", [], "ended"],
        ["cancel", [{ running: "abandon" }], "ended"],
        ["update", [{ runAfter: 5 }], "ended"],
        ["complete", [null], "ended"],
        ["fail", ["late"], "ended"],
        ["retryCallbacks", [], expect.objectContaining(skipped)],
        ...(kind === "failed"
          ? []
          : [["retry", [], expect.objectContaining(skipped)]]),
      ] as [string, unknown[], unknown][]) {
        expect(
          await callClient(victim(), "inMutation", method, [id, ...more]),
          method,
        ).toEqual({ value: answer, wrote: false });
      }
      expect(dump(victim())).toEqual(before);
    },
  );
});

/** `thisWork` of an attempt, with one part changed. */
const changed = (part: number, value: string) => {
  const parts = life.wire.split(":");
  parts[part] = value;
  return parts.join(":");
};

describe("a wire", () => {
  test.each<[string, () => unknown]>([
    ["nothing", () => ""],
    ["null", () => null],
    ["a number", () => 7],
    ["an object", () => ({ id: life.ids.running })],
    ["an id", () => life.ids.running],
    ["a megabyte", () => "x".repeat(1_000_000)],
    ["a megabyte of colons", () => ":".repeat(1_000_000)],
    ["another prefix", () => changed(0, "Workpool")],
    ["no id", () => changed(2, "")],
    ["no number", () => changed(3, "")],
    ["a negative fence", () => changed(4, "-1")],
    ["a fence in words", () => changed(4, "NaN")],
    ["half a fence", () => changed(4, "0.5")],
    ["a deadline in words", () => changed(5, "Infinity")],
    ["one part less", () => life.wire.split(":").slice(0, -1).join(":")],
    ["one part more", () => `${life.wire}:`],
    ["a space behind", () => `${life.wire} `],
    ["thisWork itself", () => "make thisWork"],
  ])("that is %s is refused in words", async (_, make) => {
    const work = make();
    const before = dump(victim());
    for (const outcome of [
      await callClient(victim(), "inAction", "continueWith", [work, {}]),
      await callClient(victim(), "inAction", "suspend", [
        work,
        { timeoutMs: 5_000 },
      ]),
      await callApp(victim(), "pool:beat", { work, beat: {} }),
      await callApp(victim(), "pool:attempt", { work }),
    ]) {
      expect(outcome).toEqual({
        refused: expect.stringContaining(
          "An attempt is attached to by the argument that was enqueued as thisWork and that vThisWork validates, not by ",
        ),
        wrote: false,
      });
      expect((outcome as { refused: string }).refused.length).toBeLessThan(
        10_000,
      );
    }
    expect(dump(victim())).toEqual(before);
  });

  test("of a version to come is refused in words", async () => {
    expect(
      await callApp(victim(), "pool:beat", { work: changed(1, "2"), beat: {} }),
    ).toMatchObject({
      refused: expect.stringContaining("another version of convex-workpool"),
      wrote: false,
    });
  });

  test.each<[string, () => string]>([
    ["of a fence to come", () => changed(4, "1")],
    ["of a fence beyond all numbers", () => changed(4, "9".repeat(400))],
    ["of a work that has ended", () => changed(2, life.ids.failed)],
    ["of a work that never was", () => changed(2, "nope")],
    ["of a megabyte", () => changed(2, "x".repeat(1_000_000))],
    [
      "of another pool",
      () => changed(2, rows(victim(), "work", "other")[0]._id),
    ],
    ["of a work without thisWork", () => changed(2, life.ids.healthy)],
    ["of a work that is suspended", () => changed(2, life.ids.suspended)],
  ])("%s: its attempt is over", async (_, make) => {
    const work = make();
    const before = dump(victim());
    for (const [method, argument] of [
      ["continueWith", { key: "stolen" }],
      ["suspend", { timeoutMs: 5_000 }],
    ] as const) {
      expect(
        await callClient(victim(), "inAction", method, [work, argument]),
      ).toEqual({
        refused: expect.stringContaining(
          "AttemptAbortedError: The work goes on without this attempt, or has ended",
        ),
        wrote: false,
      });
    }
    await callApp(victim(), "pool:beat", { work, beat: { progress: 1 } });
    expect(dump(victim())).toEqual(before);
  });
});

test("a healthy work that has waited all the time runs", async () => {
  await goesOn(victim(), life);
});

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import {
  internalActionGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { expect, test } from "vitest";
import {
  differences,
  functionsBelow,
  functionsOf,
  isEntryPoint,
} from "./functions.js";

test("functions are what Convex has registered", () => {
  const handler = () => null;
  expect(
    functionsOf({
      write: mutationGeneric({ handler }),
      read: queryGeneric({ handler }),
      act: internalActionGeneric({ handler }),
      helper: handler,
      LIMIT: 3,
      nothing: null,
    }),
  ).toEqual(["act", "read", "write"]);
});

test.each([
  ["lib.ts", true],
  ["loop/tick.js", true],
  ["helper.mjs", true],
  ["loop/tick.test.ts", false],
  ["loop/tick.d.ts", false],
  ["loop/tick.js.map", false],
  ["convex.config.ts", false],
  ["schema.js", false],
  ["_generated/server.js", false],
  ["loop", false],
])("whether the CLI makes %s an entry point: %s", (file, expected) => {
  expect(isEntryPoint(file)).toBe(expected);
});

test("modules without functions are told too", async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "component-"));
  fs.mkdirSync(path.join(directory, "loop"));
  const write = (file: string, text: string) =>
    fs.writeFileSync(path.join(directory, file), text);
  write("loop/tick.js.map", "{}");
  write(
    "loop/tick.js",
    "exports.tick = Object.assign(() => {}, { isMutation: true });",
  );
  write("helper.js", "exports.helper = () => {};");
  expect(await functionsBelow(directory)).toEqual(
    new Map([
      ["helper", []],
      ["loop/tick", ["tick"]],
    ]),
  );
});

test("what is published has the functions of the source, and no other modules", () => {
  const source = new Map([
    ["helper", []],
    ["lib", ["cancel", "enqueue"]],
    ["loop/tick", ["tick"]],
  ]);
  const published = new Map([
    ["lib", ["cancel", "enqueue"]],
    ["loop/tick", ["tick"]],
  ]);
  expect(differences(source, published)).toEqual([]);
});

test("a helper that is published as a module is told", () => {
  const source = new Map([
    ["helper", []],
    ["lib", ["enqueue"]],
  ]);
  expect(differences(source, source)).toEqual([
    expect.stringMatching(/^dist\/component\/helper\.js defines no function/),
  ]);
});

test("a module that is missing is told, and a function that its module lost", () => {
  const source = new Map([
    ["lib", ["cancel", "enqueue"]],
    ["loop/tick", ["tick"]],
  ]);
  expect(differences(source, new Map([["lib", ["enqueue"]]]))).toEqual([
    "dist/component/lib.js lacks cancel.",
    "dist/component/loop/tick.js lacks tick.",
  ]);
});

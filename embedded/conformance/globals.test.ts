/**
 * What code does to globals. On Convex each call has a realm of its own, whose global
 * object the call may change as it likes.
 */
import { describe, expect } from "vitest";
import { backend, conforms, docs } from "./harness/case.js";
import { api, useDeployment } from "./harness/deployment.js";

const app = useDeployment();

const FRESH_REALM = backend("crates/isolate/src/context_cache.rs");
const SETUP = backend("npm-packages/udf-runtime/src/setup.ts");
const CRYPTO = backend("npm-packages/udf-runtime/src/00_crypto.ts");
const IDENTIFIERS = backend("crates/convex/sync_types/src/identifier.rs");

describe("Globals", () => {
  const REPLACED = ["mine", 7, 0.5, "own Array", "replaced", 42];

  conforms(
    "what a query assigns to a global is what all its modules mean by the name",
    FRESH_REALM,
    async () => {
      expect(await app.client.query(api.globals.replaced, {})).toEqual({
        here: REPLACED,
        elsewhere: REPLACED,
      });
    },
  );

  conforms("so it is in an action", FRESH_REALM, async () => {
    expect(await app.client.action(api.globals.replacedInAction, {})).toEqual({
      here: REPLACED,
      elsewhere: REPLACED,
    });
  });

  conforms(
    "functions that it calls, and later calls, have globals of their own",
    FRESH_REALM,
    async () => {
      const untouched = ["undefined", true, true, "Array", "http://here/", 1];
      expect(
        await app.client.query(api.globals.replacedAroundNested, {}),
      ).toEqual({ nested: untouched, elsewhere: REPLACED });
      expect(await app.client.query(api.globals.untouched, {})).toEqual(
        untouched,
      );
    },
  );

  conforms(
    "a name that nobody has set, or that was deleted, is not defined",
    FRESH_REALM,
    async () => {
      const notDefined = (name: string) =>
        `ReferenceError: ${name} is not defined`;
      expect(await app.client.mutation(api.globals.undefinedNames, {})).toEqual(
        {
          before: [
            "undefined",
            notDefined("neverSet"),
            notDefined("neverSet"),
            "undefined",
            "undefined",
            notDefined("Buffer"),
          ],
          whileSet: ["no error: undefined", true],
          after: [notDefined("ownName"), "undefined", notDefined("WeakMap")],
        },
      );
    },
  );

  conforms(
    "a name and the property of globalThis are one thing, accessors included",
    FRESH_REALM,
    async () => {
      expect(await app.client.query(api.globals.bothWays, {})).toEqual([
        [4, 4],
        "asked 1 times",
        "asked 2 times",
        true,
        true,
        true,
      ]);
    },
  );

  conforms(
    "crypto and its classes can be redefined, but not assigned to",
    CRYPTO,
    async () => {
      expect(await app.client.query(api.globals.readOnly, {})).toEqual([
        "TypeError",
        "TypeError",
        "TypeError",
        "redefined",
      ]);
    },
  );

  conforms(
    "what Date constructs is a plain Date, and its prototype is the call's",
    SETUP,
    async () => {
      const dates = [true, false, 5, true, true, "undefined", "added"];
      expect(await app.client.query(api.globals.dates, {})).toEqual(dates);
      expect(await app.client.query(api.globals.dates, {})).toEqual(dates);
    },
  );

  conforms(
    "names of files, functions, arguments and nested fields may begin with an underscore",
    IDENTIFIERS,
    async () => {
      const args = { _name: "x", nested: { _field: 1 } };
      expect(await app.client.mutation(api.globals._underscored, args)).toEqual(
        args,
      );
      expect(await app.client.query(api._helpers._echo, args)).toEqual(args);
    },
  );

  conforms(
    "a module's variables of the same names are its own",
    docs("functions/runtimes"),
    async () => {
      expect(await app.client.query(api.globals.ownVariables, {})).toEqual([
        "own Date",
        "own fetch",
      ]);
    },
  );
});

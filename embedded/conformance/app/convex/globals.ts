// What code does to globals, and what its names mean then: here, in another module
// (`_helpers.ts`) and in a nested call.
import {
  actionGeneric,
  anyApi,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { v } from "convex/values";
import * as helpers from "./_helpers";

const self = anyApi.globals as any;
const globals = globalThis as any;
declare let neverSet: unknown, ownName: unknown, counter: number;

const messageOf = (attempt: () => unknown): string => {
  try {
    return `no error: ${String(attempt())}`;
  } catch (error) {
    return String(error);
  }
};

function replace(): void {
  globals.ownName = "mine";
  globals.Date = { now: () => 7 };
  globals.Math = { random: () => 0.5 };
  globals.Array = class extends Array {
    static own = "own Array";
  };
  globals.URL = class {
    href = "replaced";
  };
  globals.parseInt = () => 42;
}

const seen = () => [
  typeof ownName === "undefined" ? null : ownName,
  Date.now(),
  Math.random(),
  (Array as any).own ?? "Array",
  new URL("http://here/").href,
  parseInt("1", 10),
];

export const replaced = queryGeneric(() => {
  replace();
  return { here: seen(), elsewhere: helpers.seen() };
});
export const replacedInAction = actionGeneric(() => {
  replace();
  return { here: seen(), elsewhere: helpers.seen() };
});

export const replacedAroundNested = queryGeneric(async (ctx) => {
  replace();
  const nested = (await ctx.runQuery(self.untouched, {})) as string[];
  return { nested, elsewhere: helpers.seen() };
});
export const untouched = queryGeneric(() => helpers.kinds());

/** What happens to names that nobody has set, or no longer. */
export const undefinedNames = mutationGeneric(() => {
  const before = [
    typeof neverSet,
    messageOf(() => neverSet),
    messageOf(() => (neverSet = 1)),
    String(globals.neverSet),
    typeof (globals.Buffer as unknown),
    messageOf(() => Buffer),
  ];
  globals.ownName = undefined;
  const whileSet = [messageOf(() => ownName), "ownName" in globalThis];
  delete globals.ownName;
  delete globals.WeakMap;
  const after = [
    messageOf(() => ownName),
    typeof WeakMap,
    messageOf(() => new WeakMap()),
  ];
  return { before, whileSet, after };
});

/** Assignments and accessors are seen from both sides. */
export const bothWays = queryGeneric(() => {
  globals.counter = 1;
  counter += 2;
  counter++;
  const afterAssignments = [globals.counter, counter];
  let asked = 0;
  Object.defineProperty(globalThis, "ownName", {
    get: () => `asked ${++asked} times`,
    configurable: true,
  });
  return [
    afterAssignments,
    ownName,
    ownName,
    Object.getOwnPropertyDescriptor(globalThis, "parseInt")?.value === parseInt,
    Object.keys(globalThis).includes("counter"),
    globalThis instanceof Object,
  ];
});

/** Convex's own globals that cannot be assigned to. */
export const readOnly = queryGeneric(() => {
  const attempts = ["crypto", "Crypto", "SubtleCrypto"].map(
    (name) => messageOf(() => (globals[name] = undefined)).split(":")[0],
  );
  Object.defineProperty(globalThis, "crypto", { value: "redefined" });
  return [...attempts, crypto];
});

/** A date of a subclass is a plain Date on Convex; prototypes are the call's. */
export const dates = queryGeneric(() => {
  class Later extends Date {}
  const later = new Later(5) as any;
  const copy = structuredClone(new Date(5));
  return [
    later instanceof Date,
    later instanceof Later,
    later.getTime(),
    copy instanceof Date,
    new Date().constructor === Date,
    typeof (Date.prototype as any).added,
    (((Date.prototype as any).added = () => "added"),
    (new Date() as any).added()),
  ];
});

export const _underscored = mutationGeneric({
  args: { _name: v.string(), nested: v.object({ _field: v.number() }) },
  handler: async (ctx, { _name, nested }): Promise<unknown> =>
    await ctx.runQuery((anyApi as any)._helpers._echo, { _name, nested }),
});

export const ownVariables = queryGeneric(() => {
  const Date = { now: () => "own Date" };
  const own = ({ fetch }: { fetch: () => string }) => [Date.now(), fetch()];
  return own({ fetch: () => "own fetch" });
});

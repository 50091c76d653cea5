/** What JSON has no word for: values that tests name, and that are made in the app. */
import { anyApi } from "convex/server";
import { thisWork } from "../../../../src/client/index.js";

class Odd {
  runAfter = 1;
}

const MADE: Record<string, () => unknown> = {
  undefined: () => undefined,
  function: () => () => ({}),
  symbol: () => Symbol("odd"),
  date: () => new Date(0),
  map: () => new Map([["runAfter", 1]]),
  set: () => new Set(["a"]),
  promise: () => Promise.resolve({ runAfter: 1 }),
  instance: () => new Odd(),
  holes: () => Array(3),
  cycle: () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    return cycle;
  },
  halfPair: () => "a\ud800b",
  thisWork: () => thisWork,
};

/**
 * "act", "mutate", "read" and others of these functions mean the functions; "make map" a Map, and so
 * on; `{ eachOf: list }` a function that gives one of the list for each index.
 */
export function revive(value: unknown): unknown {
  if (typeof value === "string") return ofName(value);
  if (Array.isArray(value)) return value.map(revive);
  const isPlain =
    typeof value === "object" &&
    value !== null &&
    !(value instanceof ArrayBuffer);
  if (!isPlain) return value;
  const { eachOf } = value as { eachOf?: unknown[] };
  if (eachOf !== undefined) {
    return (_args: unknown, index: number) => revive(eachOf[index]);
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, revive(each)]),
  );
}

function ofName(text: string): unknown {
  if (/^(act|mutate|read|failing|holding|suspending|told)$/.test(text)) {
    return (anyApi.pool as any)[text];
  }
  return text.startsWith("make ") ? MADE[text.slice("make ".length)]!() : text;
}

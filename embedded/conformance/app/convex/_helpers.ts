// A module whose name, and functions whose names, begin with an underscore.
import { queryGeneric } from "convex/server";

declare let ownName: unknown;

export const seen = () => [
  typeof ownName === "undefined" ? null : ownName,
  Date.now(),
  Math.random(),
  (Array as any).own ?? "Array",
  new URL("http://here/").href,
  parseInt("1", 10),
];

/** The same where only kinds are known. */
export const kinds = () => [
  typeof ownName,
  Date.now() > 7,
  Math.random() !== 0.5,
  (Array as any).own ?? "Array",
  new URL("http://here/").href,
  parseInt("1", 10),
];

export const _echo = queryGeneric((_ctx, args) => args);

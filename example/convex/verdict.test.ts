import { expect, test } from "vitest";
import { verdictOn } from "./verdict.js";

test.each([
  [200, "accepted"],
  [204, "accepted"],
  [299, "accepted"],
  [301, "refused"],
  [400, "refused"],
  [404, "refused"],
  [408, "retry"],
  [410, "refused"],
  [429, "retry"],
  [500, "retry"],
  [503, "retry"],
] as const)("%i means %s", (status, verdict) => {
  expect(verdictOn(status)).toBe(verdict);
});

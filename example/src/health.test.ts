import { expect, test } from "vitest";
import { healthOf } from "./health.js";

test.each([
  [[], "quiet"],
  [["canceled"], "quiet"],
  [["success", "canceled"], "healthy"],
  [["success", "failed"], "degraded"],
  [["failed", "canceled", "failed"], "failing"],
] as const)("%j is %s", (recent, health) => {
  expect(healthOf(recent)).toBe(health);
});

import { expect, test } from "vitest";
import { matching } from "./counts.js";
import type { Endpoint } from "./types.js";

const endpoints = [
  { name: "a", counts: { accepted: 10, success: 4, failed: 2, canceled: 1 } },
  { name: "b", counts: { accepted: 5, success: 1, failed: 0, canceled: 0 } },
] as Endpoint[];

test.each([
  ["everything", {}, { all: 15, pending: 7 }],
  ["an endpoint", { endpoint: "a" }, { all: 10, pending: 3 }],
  ["what is pending", { state: "open" as const }, { all: 7, pending: 7 }],
  ["what failed", { state: "failed" as const }, { all: 2, pending: 0 }],
  [
    "what failed at an endpoint",
    { state: "failed" as const, endpoint: "b" },
    { all: 0, pending: 0 },
  ],
  ["an endpoint that is none", { endpoint: "c" }, { all: 0, pending: 0 }],
])("%s", (_, filter, expected) => {
  expect(matching(endpoints, filter)).toEqual(expected);
});

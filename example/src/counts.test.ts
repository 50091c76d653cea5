import { expect, test } from "vitest";
import { matching } from "./counts.js";
import type { Endpoint } from "./types.js";

const endpoints = [
  {
    name: "a",
    counts: { accepted: 10, success: 3, failed: 3, canceled: 1, replaced: 1 },
  },
  {
    name: "b",
    counts: { accepted: 5, success: 1, failed: 0, canceled: 0, replaced: 0 },
  },
] as Endpoint[];

test.each([
  ["everything", {}, { all: 15, pending: 7, redeliverable: 2 }],
  ["an endpoint", { endpoint: "a" }, { all: 10, pending: 3, redeliverable: 2 }],
  [
    "what is pending",
    { state: "open" as const },
    { all: 7, pending: 7, redeliverable: 0 },
  ],
  [
    "what was canceled",
    { state: "canceled" as const },
    { all: 1, pending: 0, redeliverable: 0 },
  ],
  [
    "what failed",
    { state: "failed" as const },
    { all: 3, pending: 0, redeliverable: 2 },
  ],
  [
    "what failed at an endpoint",
    { state: "failed" as const, endpoint: "b" },
    { all: 0, pending: 0, redeliverable: 0 },
  ],
  [
    "an endpoint that is none",
    { endpoint: "c" },
    { all: 0, pending: 0, redeliverable: 0 },
  ],
])("%s", (_, filter, expected) => {
  expect(matching(endpoints, filter)).toEqual(expected);
});

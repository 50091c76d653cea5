import { expect, test } from "vitest";
import { counted, deliveries } from "./words.js";

test.each([
  [0, "0 deliveries"],
  [1, "1 delivery"],
  [2, "2 deliveries"],
  [1_024, "1,024 deliveries"],
])("%d: %s", (count, expected) => {
  expect(deliveries(count)).toBe(expected);
});

test("most words take an s", () => {
  expect([counted(1, "event"), counted(50, "event")]).toEqual([
    "1 event",
    "50 events",
  ]);
});

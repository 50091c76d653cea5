import { expect, test } from "vitest";
import { counted, deliveries, redelivering, toEndpoint } from "./words.js";

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

test("it is said how many are redelivered, and whether more follow", () => {
  expect(
    redelivering({ redelivered: 1, isDone: true }, toEndpoint("old-crm")),
  ).toBe("Redelivering 1 delivery to old-crm");
  expect(
    redelivering({ redelivered: 50, isDone: false }, toEndpoint(undefined)),
  ).toBe(
    "Redelivering 50 deliveries to all endpoints, and the others after them",
  );
});

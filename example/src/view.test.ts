import { expect, test } from "vitest";
import { formatView, parseView, type View } from "./view.js";

test.each<[string, View]>([
  ["", {}],
  ["?state=pending", { state: "open" }],
  ["?state=failed&endpoint=old-crm", { state: "failed", endpoint: "old-crm" }],
  [
    "?from=1-1764018000123.25&delivery=k57a",
    { from: { stage: 1, acceptedAt: 1764018000123.25 }, delivery: "k57a" },
  ],
  ["?endpoint=a+%26+b", { endpoint: "a & b" }],
])("%j is read and written", (search, view) => {
  expect(parseView(search)).toEqual(view);
  expect(formatView(view)).toBe(search);
});

test.each([
  "?state=toString",
  "?state=open",
  "?from=yesterday",
  "?from=1-",
  "?x=1",
])("%j says nothing", (search) => {
  expect(formatView(parseView(search))).toBe("");
});

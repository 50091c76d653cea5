import { ConvexError } from "convex/values";
import { expect, test } from "vitest";
import { headline, messageOf } from "./errors.js";

test.each([
  ["audit-log answered 503: busy", "audit-log answered 503: busy"],
  ["Uncaught Error: no answer\n    at post (post.ts:1:2)", "no answer"],
  ["Uncaught TypeError: not a function", "not a function"],
])("the headline of %j is %j", (error, expected) => {
  expect(headline(error)).toBe(expected);
});

test("an error meant for people is shown as it is", () => {
  expect(messageOf(new ConvexError("redelivered already"))).toBe(
    "redelivered already",
  );
});

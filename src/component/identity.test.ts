import { expect, test } from "vitest";
import { checkTags, checkUnique } from "./identity.js";

test.each<[string, unknown, string]>([
  ["six", [..."abcdef"], "tags must be a list of at most 5 tags"],
  ["holes", Array(3), "tags[0] must be a string of 1 to 200 characters"],
  ["the same twice", ["a", "b", "a"], "tags[2] must be different from those"],
  ["half a character", ["a", "\ud800"], "tags[1] must be valid Unicode"],
])("tags that are %s are refused", (_, tags, message) => {
  expect(() => checkTags(tags as string[])).toThrow(message);
});

test.each<[string, string, string]>([
  ["empty", "", "unique.key must be a string of 1 to 1000 characters"],
  ["long", "k".repeat(10_000), "(10002 characters)"],
  ["half a character", "\udc00", "unique.key must be valid Unicode"],
])("a key that is %s is refused", (_, key, message) => {
  expect(() => checkUnique({ key, scope: "active" }, undefined)).toThrow(
    message,
  );
});

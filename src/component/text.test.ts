import { expect, test } from "vitest";
import { checkText } from "./text.js";

test.each(["a", "\0", "🧨", "a".repeat(10)])("%j is a text", (value) => {
  expect(() => checkText("key", value, 10)).not.toThrow();
});

test.each<[unknown, string]>([
  ["", 'key must be a string of 1 to 10 characters, not "".'],
  [
    "a".repeat(11),
    'key must be a string of 1 to 10 characters, not "aaaaaaaaaaa".',
  ],
  [7, "key must be a string of 1 to 10 characters, not 7."],
  [null, "key must be a string of 1 to 10 characters, not null."],
  [
    "a\ud800b",
    'key must be valid Unicode, without half of a surrogate pair, not "a\\ud800b".',
  ],
  ["\udc00", "key must be valid Unicode"],
])("%j is refused", (value, message) => {
  expect(() => checkText("key", value, 10)).toThrow(message);
});

import { ConvexError } from "convex/values";
import { describe, expect, test } from "vitest";
import { NonRetryableError } from "../errors.js";
import { formatError, passOn, received } from "./errorText.js";

describe("the text of an error", () => {
  test("is its message, or whatever was thrown", () => {
    expect(formatError(new TypeError("no"))).toBe("no");
    expect(formatError("just text")).toBe("just text");
    expect(formatError(new NonRetryableError("hopeless"))).toBe("hopeless");
  });

  test("is cut, and says how much is left out", () => {
    const text = formatError(new Error("x".repeat(10_005)));
    expect(text).toBe(`${"x".repeat(10_000)}… (5 more characters)`);
  });

  test("never ends in half a character: Convex would not store it", () => {
    const text = formatError(new Error(`x${"😀".repeat(5_000)}`));
    expect(text).toMatch(/😀\ufffd… \(1 more characters\)$/u);
    expect(formatError(new Error("half \ud83d"))).toBe("half \ufffd");
  });
});

const A = "    at handler (../convex/a.ts:1:2)\n";
const B = "    at async handler (../convex/b.ts:3:4)\n";
const C = "    at async book (../convex/c.ts:5:6)\n";

describe("an error that functions threw again reads as if it had come straight:", () => {
  test.each([
    ["once", `Uncaught Error: boom\n${A}`, `Uncaught Error: boom\n${A}`],
    [
      "by one",
      `Uncaught Error: Uncaught Error: boom\n${A}\n${B}`,
      `Uncaught Error: boom\n${A}${B}`,
    ],
    [
      "by two",
      `Uncaught Error: Uncaught Error: Uncaught TypeError: boom\n${A}\n${B}\n${C}`,
      `Uncaught TypeError: boom\n${A}${B}${C}`,
    ],
    [
      "without frames",
      "Uncaught Error: Uncaught Error: boom\n\n",
      "Uncaught Error: boom\n",
    ],
    [
      "with data",
      `Uncaught ConvexError: Uncaught ConvexError: {"code":7}\n${A}\n${B}`,
      `Uncaught ConvexError: {"code":7}\n${A}${B}`,
    ],
    [
      "what a platform's check said",
      `Uncaught Error: ReturnsValidationError: no\n\n${B}`,
      `Uncaught Error: ReturnsValidationError: no\n\n${B}`,
    ],
    [
      "by a function that has words of its own",
      `Uncaught Error: booking: Uncaught Error: boom\n${A}\n${B}`,
      `Uncaught Error: booking: Uncaught Error: boom\n${A}\n${B}`,
    ],
    [
      "by one, in a message with an empty line",
      `Uncaught Error: Uncaught Error: boom\n\nat once\n${A}\n${B}`,
      `Uncaught Error: boom\n\nat once\n${A}${B}`,
    ],
    [
      "another deployment, whose client saw nothing",
      `Uncaught Error: [Request ID: f00] Server Error\n${A}`,
      `Uncaught Error: [Request ID: f00] Server Error\n${A}`,
    ],
  ])("%s", (_, thrown, text) => {
    expect(formatError(new Error(thrown))).toBe(text);
    expect(formatError(new Error(text))).toBe(text);
  });
});

describe("a function that does not exist", () => {
  test.each([
    "Function handle not found",
    "Could not find public function for 'jobs:send'.\n",
    "Couldn't find JavaScript module 'jobs.js'. Did you forget to run `npx convex dev`?",
  ])("is named: %s", (text) => {
    expect(formatError(new Error(text), "jobs:send")).toBe(
      `jobs:send does not exist in the deployed code any more: it was removed or renamed after it was enqueued (${text.trim()})`,
    );
  });

  test("is not mistaken for one that the user's function looked for", () => {
    const inside = `Uncaught Error: Function handle not found\n${A}`;
    expect(formatError(new Error(inside), "jobs:send")).toBe(inside);
  });
});

describe("through a function of the pool", () => {
  test("the text comes as it was, however long and whatever was thrown", () => {
    const thrown = [
      new Error(`Uncaught Error: boom\n${A}`),
      new Error("x".repeat(30_000)),
      new ConvexError({ code: 7 }),
      new NonRetryableError("hopeless"),
      "just text",
    ];
    for (const error of thrown) {
      expect(formatError(received(passOn(error, "jobs:send")))).toBe(
        formatError(error),
      );
    }
  });

  test("what came by itself is not touched", () => {
    for (const error of [new Error("conflict"), new ConvexError("data"), 7]) {
      expect(received(error)).toBe(error);
    }
  });
});

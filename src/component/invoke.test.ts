import { describe, expect, test } from "vitest";
import { formatError } from "./invoke.js";

describe("the text of an error", () => {
  test("is its message, or whatever was thrown", () => {
    expect(formatError(new TypeError("no"))).toBe("no");
    expect(formatError("just text")).toBe("just text");
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

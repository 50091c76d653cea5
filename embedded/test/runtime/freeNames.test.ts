import { describe, expect, test } from "vitest";
import {
  originalColumn,
  rewriteFreeNames,
} from "../../src/runtime/freeNames.js";

const rewritten = (code: string): string =>
  rewriteFreeNames(code, ["require"]).code.replaceAll("$globals", "$");

describe("free names become properties", () => {
  test.each([
    ["Date.now(Date)", "$.Date.now($.Date)"],
    ["new URL(base)", "new $.URL($.base)"],
    ["fetch(url)?.(1)", "(0,$.fetch)($.url)?.(1)"],
    ["tag`a${b}`", "(0,$.tag)`a${$.b}`"],
    ["typeof a + typeof a.b", '("a"in $?typeof $.a:"undefined") + typeof $.a.b'],
    ["class C extends Base { x = y; static { z(); } }", "class C extends $.Base { x = $.y; static { (0,$.z)(); } }"],
    ["a = 1; b++; [c] = d; for (e of f);", "$.a = 1; $.b++; [$.c] = $.d; for ($.e of $.f);"],
    ["({ a, b = 1, c: d } = { e })", "({ a:$.a, b:$.b = 1, c: $.d } = { e:$.e })"],
    ["() => import(name)", "() => import($.name)"],
  ])("%s", (code, expected) => {
    expect(rewritten(code)).toBe(expected);
  }); // prettier-ignore

  test.each([
    "var a = 1; function f(b) { const c = a; return [b, c, arguments, f]; } class D {} new D();",
    "try { let x; x; } catch (e) { e; }",
    "const { a = 1, ...rest } = require('x'); ({ a, rest }); a.Date; ({ Date: a });",
    "label: for (const x of [undefined, NaN, Infinity]) { x; break label; }",
  ])("what the code binds stays: %s", (code) => {
    expect(rewritten(code)).toBe(code);
  });

  test("the object's name is one that the code does not have", () => {
    const { code, objectName } = rewriteFreeNames("$globals + a", []);
    expect(objectName).toBe("$globals$");
    expect(code).toBe("$globals$.$globals + $globals$.a");
  });
});

test("places in the rewritten code lead back", () => {
  const code = "if (typeof a) b(c, throws());";
  const { code: text, insertions } = rewriteFreeNames(code, []);
  for (const name of ["c,", "throws", "))", ";", "if"]) {
    expect(originalColumn(text.lastIndexOf(name), insertions)).toBe(
      code.lastIndexOf(name),
    );
  }
  // Within what was inserted: where it was inserted.
  expect(originalColumn(text.indexOf("in $"), insertions)).toBe(
    code.indexOf("typeof"),
  );
});

/** One option at a time made wrong, and what is expected then. */
import fc from "fast-check";
import { expect } from "vitest";
import { dump } from "./life.js";
import type { Outcome } from "./pool.js";
import type { Victim } from "./victim.js";

/** Values that one option may not have. */
export interface Attack {
  /** Where the option is in the arguments. */
  at: (string | number)[];
  values: fc.Arbitrary<unknown>;
  /** What the refusal names. Default: the last of `at`. */
  says?: string | RegExp;
}

const text = (length: number, letter = "x") => letter.repeat(length);

const NOT_FINITE = [NaN, Infinity, -Infinity];
const NO_NUMBER = [null, true, "", "1", "tomorrow", [], [1], {}, 7n];
const NO_TEXT = [null, true, 0, 1e17, [], ["x"], {}, 7n];

export const anyOf = (...values: unknown[]) => fc.constantFrom(...values);

/** What may be right, or not. */
export const anything = fc.oneof(
  anyOf(
    ...[null, true, 0, -0, -1, 0.5, 1, 5, 1e9, 1e17, ...NOT_FINITE, 5e-324],
    ...[7n, "", "x", "failed", "active", "[]", '["failed",1,"x"]', "🧨", "\0"],
    ...[[], {}, [[]], { x: {} }, { windowMs: 1 }, new ArrayBuffer(0)],
  ),
  fc.double(),
  fc.string({ unit: "binary" }).filter((each) => !/\p{Surrogate}/u.test(each)),
);

/** No number of milliseconds since 1970. */
export const noTime = anyOf(...NOT_FINITE, ...NO_NUMBER);
/** No number from `least` to `most`. */
export const beyond = (least: number, most: number, ...more: unknown[]) =>
  anyOf(
    ...NOT_FINITE,
    ...NO_NUMBER,
    ...more,
    ...(least === -Infinity
      ? []
      : [least - 1, least - 1e-3, -1e17, -Number.MAX_VALUE]),
    ...(most === Infinity ? [] : [most + 1, most * 2, Number.MAX_VALUE]),
    ...(most < 1e17 ? [1e17] : []),
  );
/** No integer from `least` to `most`. */
export const noInteger = (least: number, most: number) =>
  beyond(least, most, least + 0.5, most - 0.5);
/** No text of 1 to `most` characters. */
export const noText = (most: number) =>
  anyOf(
    ...NO_TEXT,
    "",
    text(most + 1),
    text(most + 1, "\0"),
    text(Math.ceil((most + 1) / 2), "🧨"),
    text(10 * most),
  );
/** None of a few words. */
export const noneOf = (...words: string[]) =>
  fc
    .oneof(
      anyOf(...NO_TEXT, "", "x", "__proto__", "constructor", text(100_000)),
      anyOf(...words.map((word) => word.toUpperCase())),
      anyOf(...words.map((word) => `${word} `)),
      fc
        .string({ unit: "binary" })
        .filter((each) => !/\p{Surrogate}/u.test(each)),
    )
    .filter((value) => !words.includes(value as string));
export const notText = anyOf(...NO_TEXT);
export const noObject = anyOf(null, true, 0, 1e17, "", "x", [], ["x"], 7n);

export function withValue<T>(args: T, at: Attack["at"], value: unknown): T {
  const [name, ...rest] = at;
  if (name === undefined) return value as T;
  const copy: any = Array.isArray(args) ? [...args] : { ...args };
  copy[name] = withValue(copy[name], rest, value);
  return copy;
}

/** A sentence of ours or of Convex's validators, which says of what it speaks. */
export function expectRefused(
  outcome: Outcome,
  says: string | RegExp,
  context: unknown,
): void {
  const told = JSON.stringify(outcome);
  expect("refused" in outcome, `${shown(context)}: ${told}`).toBe(true);
  const { refused, wrote } = outcome as { refused: string; wrote: boolean };
  expect(wrote).toBe(false);
  expect(refused, shown(context)).toMatch(
    typeof says === "string" ? new RegExp(`\\b${says}\\b`) : says,
  );
  expectClear(refused);
}

/** A sentence of ours or of Convex's validators, not the accident of some code. */
export function expectClear(refused: string): void {
  expect(refused).toMatch(
    / must be | may have | may be | has no (option|field) | needs? |Give |beside the filter|can only be|not by |Validator|validator/,
  );
  expect(refused).not.toMatch(
    /TypeError|RangeError|undefined \(reading|is not a function|not iterable|Server Error/,
  );
}

/** Each value is refused by name, and nothing of any pool changes. */
export async function attack<T>(
  victim: Victim,
  call: (args: T) => Promise<Outcome>,
  args: T,
  attacks: readonly Attack[],
  numRuns = 25 * attacks.length,
): Promise<void> {
  const before = dump(victim);
  const each = attacks.map(({ values, ...rest }) =>
    values.map((value) => ({ ...rest, value })),
  );
  await fc.assert(
    fc.asyncProperty(fc.oneof(...each), async ({ at, says, value }) => {
      const outcome = await call(withValue(args, at, value));
      expectRefused(outcome, says ?? String(at.at(-1)), { at, value });
      expect(dump(victim)).toEqual(before);
    }),
    { numRuns },
  );
}

function shown(value: unknown): string {
  return fc.stringify(value).slice(0, 300);
}

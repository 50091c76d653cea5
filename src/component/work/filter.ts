/**
 * Which works are meant by a call that concerns many, and what is done to them.
 * Pure; the client uses the types and the checks, too.
 */
import { type Infer, v } from "convex/values";
import { MAX_DELAY_MS } from "../validateTime.js";
import { checkTag } from "../identity.js";
import { checkNames, namesIn } from "../names.js";
import { refuse } from "../refusal.js";
import { vReason, vResultKind } from "../shared.js";
import { checkText } from "../text.js";
import { MAX_NAME_LENGTH } from "../validate.js";

export const vFilter = v.object({
  fnName: v.optional(v.string()),
  tag: v.optional(v.string()),
  /** Exclusive, like `after`. Of works that have ended: when they ended; of others: when they were enqueued. */
  before: v.optional(v.number()),
  after: v.optional(v.number()),
  /** Of works that have failed. */
  reason: v.optional(vReason),
  /** Of works that have ended. */
  state: v.optional(vResultKind),
});
export type Filter = Infer<typeof vFilter>;

export const vRetryOptions = v.object({
  delayMs: v.optional(v.number()),
  spreadMs: v.optional(v.number()),
  resetAttempts: v.optional(v.boolean()),
});
export type RetryOptions = Infer<typeof vRetryOptions>;

/** Something that is done to all outcomes that a filter finds. */
export const vOperation = v.object({
  kind: v.union(
    v.literal("retry"),
    v.literal("forget"),
    v.literal("retryCallbacks"),
  ),
  filter: vFilter,
  retry: v.optional(vRetryOptions),
});
export type Operation = Infer<typeof vOperation>;

/** Where a page begins: in which of the operation's ranges, and behind which outcome there. */
export const vOperationPosition = v.object({
  range: v.number(),
  after: v.optional(
    v.object({ creationTime: v.number(), id: v.id("complete") }),
  ),
});
export type OperationPosition = Infer<typeof vOperationPosition>;

/** What a call has done to works that have ended. */
export const vDone = v.object({
  /** Works that it was done to. */
  matched: v.number(),
  /** Works that were meant, and left alone. */
  skipped: v.number(),
  /** False: it goes on, in transactions that follow. */
  isDone: v.boolean(),
  /** Why the first of the skipped was left alone. */
  why: v.optional(v.string()),
});
export type Done = Infer<typeof vDone>;

/** The fields of a filter that each call knows. */
export const FILTER_FIELDS = {
  retry: ["fnName", "tag", "before", "after", "reason"],
  forget: ["fnName", "tag", "before", "after", "reason", "state"],
  retryCallbacks: ["fnName", "tag", "before", "after"],
  cancelMany: ["fnName", "tag", "before", "after"],
} as const satisfies Record<string, readonly (keyof Filter)[]>;
export type Filtering = keyof typeof FILTER_FIELDS;

export const REASONS = vReason.members.map(({ value }) => value);
const KINDS = vResultKind.members.map(({ value }) => value);

/** @throws naming the field, the value and what would be right. */
export function checkFilter(method: Filtering, filter: unknown): void {
  const what = `The filter of ${method}`;
  const known = FILTER_FIELDS[method];
  const names = namesIn(what, filter, `an object with ${known.join(", ")}`);
  checkNames(what, names, known, "field");
  const { fnName, tag, before, after, reason, state } = filter as Filter;
  checkFilterName(fnName);
  if (tag !== undefined) checkTag("tag", tag);
  checkTime("before", before);
  checkTime("after", after);
  checkOneOf("reason", reason, REASONS);
  checkOneOf("state", state, KINDS);
}

export function checkFilterName(fnName: unknown): void {
  if (fnName === undefined) return;
  if (typeof fnName !== "string" || fnName === "") {
    refuse("fnName", 'the name of a function, like "emails:send"', fnName);
  }
  // A longer one names no work, and would not fit into the row of an operation.
  checkText("fnName", fnName, MAX_NAME_LENGTH);
}

export function checkTime(option: string, value: unknown): void {
  if (value !== undefined && !Number.isFinite(value)) {
    refuse(option, "a finite number of milliseconds since 1970", value);
  }
}

export function checkOneOf(
  option: string,
  value: unknown,
  known: readonly string[],
): void {
  if (value !== undefined && !known.includes(value as string)) {
    refuse(option, `one of ${known.join(", ")}`, value);
  }
}

export function checkRetryOptions({
  delayMs,
  spreadMs,
  resetAttempts,
}: RetryOptions): void {
  checkWait("delayMs", delayMs);
  checkWait("spreadMs", spreadMs);
  if (resetAttempts !== undefined && typeof resetAttempts !== "boolean") {
    refuse("resetAttempts", "true or false", resetAttempts);
  }
}

function checkWait(option: string, ms: number | undefined): void {
  const isFine = Number.isFinite(ms) && ms! >= 0 && ms! <= MAX_DELAY_MS / 2;
  if (ms !== undefined && !isFine) {
    refuse(
      option,
      `a number of milliseconds from 0 to two years (${MAX_DELAY_MS / 2})`,
      ms,
    );
  }
}

/** Whether the filter means this outcome; its time is for the range that is read. */
export function matches(
  { fnName, tag, reason }: Filter,
  row: {
    fnName: string;
    tags?: string[] | undefined;
    reason?: Filter["reason"];
  },
): boolean {
  return (
    (fnName === undefined || row.fnName === fnName) &&
    (tag === undefined || row.tags?.includes(tag) === true) &&
    (reason === undefined || row.reason === reason)
  );
}

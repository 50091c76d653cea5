/**
 * What tells works apart beyond their ids: unique keys and tags, as callers give them. Checks and
 * validators only; `work/unique.ts` and `work/tags.ts` carry them out.
 */
import { type Infer, v } from "convex/values";
import { checkNames } from "./names.js";
import { refuse, show } from "./refusal.js";
import { DEFAULT_STATUS_TTL, type StatusTtlByKind } from "./shared.js";
import { checkText } from "./text.js";
import { MAX_DELAY_MS } from "./validateTime.js";

export const MAX_KEY_LENGTH = 1000;
export const MAX_TAGS = 5;
export const MAX_TAG_LENGTH = 200;

export const vUniqueScope = v.union(
  v.literal("waiting"),
  v.literal("active"),
  v.literal("retained"),
  v.object({ windowMs: v.number() }),
);
export type UniqueScope = Infer<typeof vUniqueScope>;

export const vOnDuplicate = v.union(
  v.literal("return"),
  v.literal("replace"),
  v.literal("runAgain"),
);
export type OnDuplicate = Infer<typeof vOnDuplicate>;

/** What `enqueueUnique` asks of the component. */
export const vUnique = v.object({
  key: v.string(),
  scope: vUniqueScope,
  onDuplicate: v.optional(vOnDuplicate),
  /** With "replace": the start moves to so long after now, */
  delayMs: v.optional(v.number()),
  /** and never later than so long after the first. */
  maxDelayMs: v.optional(v.number()),
  /** The call says when to run: with "replace", the waiting work is moved there. */
  movesStart: v.optional(v.boolean()),
});
export type Unique = Infer<typeof vUnique>;

const SCOPES = ["waiting", "active", "retained"];
const CHOICES = ["return", "replace", "runAgain"];
const FIELDS = ["key", "scope", "onDuplicate", "delayMs", "maxDelayMs"];

/**
 * @param statusTtl - Of the work. Undefined: the default.
 * @throws naming the field, the value and the range.
 */
export function checkUnique(
  { movesStart, ...unique }: Unique,
  statusTtl: StatusTtlByKind | undefined,
): void {
  checkNames("unique", Object.keys(unique), FIELDS, "field");
  const { key, scope, onDuplicate = "return", delayMs, maxDelayMs } = unique;
  checkText("unique.key", key, MAX_KEY_LENGTH);
  checkScope(scope, statusTtl);
  if (!CHOICES.includes(onDuplicate)) {
    refuse(
      "unique.onDuplicate",
      `one of ${CHOICES.map(show).join(", ")}`,
      onDuplicate,
    );
  }
  if (onDuplicate === "runAgain" && scope !== "active") {
    throw new Error(
      `unique.onDuplicate "runAgain" needs the scope "active", not ${show(scope)}: it has one more run follow the one that runs.`,
    );
  }
  checkDelays(onDuplicate, delayMs, maxDelayMs);
  if (delayMs !== undefined && movesStart) {
    throw new Error(
      `Give unique.delayMs or runAt or runAfter, not both: unique.delayMs (${show(delayMs)}) says when the work may start.`,
    );
  }
}

function checkScope(
  scope: UniqueScope,
  statusTtl: StatusTtlByKind = DEFAULT_STATUS_TTL,
): void {
  if (typeof scope === "object" && scope !== null) {
    checkNames("unique.scope", Object.keys(scope), ["windowMs"], "field");
    checkMs("unique.scope.windowMs", scope.windowMs, 1);
    return;
  }
  if (!SCOPES.includes(scope)) {
    refuse(
      "unique.scope",
      `one of ${SCOPES.map(show).join(", ")}, or { windowMs: … }`,
      scope,
    );
  }
  if (
    scope === "retained" &&
    !Object.values(statusTtl).every((ttl) => ttl > 0)
  ) {
    throw new Error(
      `unique.scope "retained" needs a statusTtl that keeps outcomes of every kind, like statusTtl: 86_400_000, not ${show(statusTtl)}.`,
    );
  }
}

function checkDelays(
  onDuplicate: OnDuplicate,
  delayMs: number | undefined,
  maxDelayMs: number | undefined,
): void {
  const given = delayMs ?? maxDelayMs;
  if (given === undefined) return;
  if (onDuplicate !== "replace") {
    throw new Error(
      `unique.delayMs and unique.maxDelayMs need onDuplicate "replace", not ${show(onDuplicate)}: they say how a duplicate moves the start of the work that waits.`,
    );
  }
  if (delayMs === undefined) {
    throw new Error(
      `unique.maxDelayMs (${show(maxDelayMs)}) needs unique.delayMs, which it is the most of.`,
    );
  }
  checkMs("unique.delayMs", delayMs, 0);
  if (maxDelayMs === undefined) return;
  checkMs("unique.maxDelayMs", maxDelayMs, 0);
  if (maxDelayMs < delayMs) {
    refuse(
      "unique.maxDelayMs",
      `at least unique.delayMs (${delayMs})`,
      maxDelayMs,
    );
  }
}

function checkMs(option: string, value: number, least: number): void {
  if (!Number.isFinite(value) || value < least || value > MAX_DELAY_MS) {
    refuse(
      option,
      `a number of milliseconds from ${least} to ${MAX_DELAY_MS} (four years)`,
      value,
    );
  }
}

/** @throws naming the tag that is wrong. */
export function checkTags(tags: readonly string[]): void {
  if (!Array.isArray(tags) || tags.length > MAX_TAGS) {
    refuse("tags", `a list of at most ${MAX_TAGS} tags`, tags);
  }
  // Not forEach, which passes holes.
  for (const [index, tag] of tags.entries()) {
    checkTag(`tags[${index}]`, tag);
    if (tags.indexOf(tag) !== index) {
      refuse(`tags[${index}]`, "different from those before it", tag);
    }
  }
}

export function checkTag(option: string, tag: unknown): void {
  checkText(option, tag, MAX_TAG_LENGTH);
}

/** What lists and counts of works tell, and how they are asked. The client uses this, too, so no database access here. */
import { type Infer, v } from "convex/values";
import { checkTag } from "../identity.js";
import { checkNames } from "../names.js";
import { refuse } from "../refusal.js";
import { vFnType, vReason } from "../shared.js";
import { checkFilterName, checkOneOf, checkTime } from "../work/filter.js";

/** In which state a work is. Each is in one. */
export const vWorkState = v.union(
  /** It waits for a time that has not come: see `runAt`, `runAfter`. */
  v.literal("scheduled"),
  /** It is due, and waits for its turn. */
  v.literal("waiting"),
  /** An attempt has failed, and it waits for the next one. */
  v.literal("retrying"),
  /** A worker has it, and has not begun it. */
  v.literal("claimed"),
  /** Its handler has begun, as far as its worker has reported. */
  v.literal("running"),
  /** Its handler has left it to somebody else to end it. */
  v.literal("suspended"),
  v.literal("success"),
  v.literal("failed"),
  v.literal("canceled"),
);
export type WorkState = Infer<typeof vWorkState>;
export const WORK_STATES = vWorkState.members.map(({ value }) => value);

const vCallbackState = v.union(v.literal("owed"), v.literal("failed"));

/** One work of a list. {@link Workpool.get} tells more of it. */
export const vListedWork = v.object({
  workId: v.string(),
  fnName: v.string(),
  fnType: vFnType,
  state: vWorkState,
  /** Attempts that have ended, of this round. */
  attempts: v.number(),
  /** How often it was tried again after it had failed. Unset: never. */
  round: v.optional(v.number()),
  /** Canceled, but a worker has it. */
  canceled: v.optional(v.literal(true)),
  tags: v.optional(v.array(v.string())),
  enqueuedAt: v.number(),
  /** While it waits: when it may begin. */
  dueAt: v.optional(v.number()),
  finishedAt: v.optional(v.number()),
  /** Of the attempt that failed last, without frames. */
  error: v.optional(v.string()),
  reason: v.optional(vReason),
  callback: v.optional(
    v.object({
      state: v.union(v.literal("owed"), v.literal("done"), v.literal("failed")),
      /** Attempts that have failed. */
      attempts: v.number(),
      error: v.optional(v.string()),
    }),
  ),
});
export type ListedWork = Infer<typeof vListedWork>;

export const vListFilter = v.object({
  state: v.optional(vWorkState),
  fnName: v.optional(v.string()),
  tag: v.optional(v.string()),
  callback: v.optional(vCallbackState),
  before: v.optional(v.number()),
  after: v.optional(v.number()),
});
export type ListFilter = Infer<typeof vListFilter>;

export const vPaginationOpts = v.object({
  numItems: v.number(),
  cursor: v.union(v.string(), v.null()),
  endCursor: v.optional(v.union(v.string(), v.null())),
  // Convex's client sends these, too.
  id: v.optional(v.number()),
  maximumRowsRead: v.optional(v.number()),
  maximumBytesRead: v.optional(v.number()),
});
export type PaginationOpts = Infer<typeof vPaginationOpts>;

export const vWorkPage = v.object({
  page: v.array(vListedWork),
  isDone: v.boolean(),
  continueCursor: v.string(),
  splitCursor: v.optional(v.union(v.string(), v.null())),
  pageStatus: v.optional(
    v.union(
      v.literal("SplitRecommended"),
      v.literal("SplitRequired"),
      v.null(),
    ),
  ),
});
export type WorkPage = Infer<typeof vWorkPage>;

const vCount = v.object({
  count: v.number(),
  /** There may be more: so many were looked at. */
  isAtLeast: v.boolean(),
});

export const vWorkCounts = v.object({
  states: v.array(v.object({ state: vWorkState, ...vCount.fields })),
  callbacks: v.array(v.object({ state: vCallbackState, ...vCount.fields })),
  /** Of the latest works: those that have not ended, and those that have failed. */
  functions: v.array(
    v.object({ fnName: v.string(), unfinished: vCount, failed: vCount }),
  ),
});
export type WorkCounts = Infer<typeof vWorkCounts>;

/** @throws naming the field, the value and what would be right. */
export function checkList(
  filter: ListFilter,
  { numItems, cursor, endCursor }: PaginationOpts,
): void {
  const { state, fnName, tag, callback, before, after } = filter;
  checkOneOf("state", state, WORK_STATES);
  checkOneOf("callback", callback, ["owed", "failed"]);
  if (state !== undefined && callback !== undefined) {
    throw new Error(
      `Give state or callback, not both (state: ${state}, callback: ${callback}).`,
    );
  }
  checkFilterName(fnName);
  if (tag !== undefined) checkTag("tag", tag);
  checkTime("before", before);
  checkTime("after", after);
  if (!Number.isInteger(numItems) || numItems < 1) {
    refuse("paginationOpts.numItems", "an integer of at least 1", numItems);
  }
  checkCursor("cursor", cursor);
  checkCursor("endCursor", endCursor ?? null);
}

const LIST_OPTIONS = [
  ...Object.keys(vListFilter.fields),
  "paginationOpts",
] as const;

/** For callers that the types do not check. */
export function checkListOptions(options: unknown): void {
  if (typeof options !== "object" || options === null) {
    refuse("The options of list", "an object with paginationOpts", options);
  }
  checkNames("list", Object.keys(options), LIST_OPTIONS);
  const { paginationOpts } = options as { paginationOpts?: unknown };
  if (typeof paginationOpts !== "object" || paginationOpts === null) {
    refuse(
      "paginationOpts",
      "an object like { numItems: 50, cursor: null }",
      paginationOpts,
    );
  }
  checkList(options as ListFilter, paginationOpts as PaginationOpts);
}

/** A list of what its index orders by. */
function checkCursor(option: string, cursor: string | null): void {
  if (cursor === null) return;
  try {
    if (Array.isArray(JSON.parse(cursor))) return;
  } catch {
    // Refused below.
  }
  refuse(
    `paginationOpts.${option}`,
    "null or the continueCursor of another page",
    cursor,
  );
}

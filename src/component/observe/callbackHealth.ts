/** Reads which callbacks have not run. Bounded: it looks at a page of each kind. */
import type { Doc } from "../_generated/dataModel.js";
import type { QueryCtx } from "../_generated/server.js";
import type { PoolHealth } from "./poolHealth.js";

/** Beyond these the exact number matters to nobody. */
const MAX_COUNTED = 100;

/** A callback that failed once or twice met a hiccup, or another deploy; from then on somebody should look. */
const FAILING_FROM = 3;

/** The callbacks of works of one function that fail again and again. */
export type FailingCallbacks = {
  /** The function whose works they belong to. */
  fnName: string;
  count: number;
  /** Of the one that failed most often. */
  lastError: string;
};

export async function callbackHealth(ctx: QueryCtx): Promise<{
  callbacks: PoolHealth["callbacks"];
  failing: FailingCallbacks[];
}> {
  const owed = await page(ctx, "owed");
  const failed = await page(ctx, "failed");
  const failing = owed.filter(
    ({ callback }) => callback!.attempts >= FAILING_FROM,
  );
  const isAtLeast = owed.length === MAX_COUNTED;
  return {
    callbacks: {
      owed: { count: owed.length, isAtLeast },
      failing: { count: failing.length, isAtLeast },
      failed: {
        count: failed.length,
        isAtLeast: failed.length === MAX_COUNTED,
      },
    },
    failing: byFunction(failing),
  };
}

/** Failures that `onFailed` is still to be told of, and the error of the try that failed last. */
export async function noticeHealth(ctx: QueryCtx): Promise<{
  notices: PoolHealth["notices"];
  failingNotice: string | null;
}> {
  const owed = await ctx.db
    .query("notice")
    .withIndex("by_due")
    .take(MAX_COUNTED);
  const failing = owed.filter(({ attempts }) => attempts >= FAILING_FROM);
  const isAtLeast = owed.length === MAX_COUNTED;
  return {
    notices: {
      owed: { count: owed.length, isAtLeast },
      failing: { count: failing.length, isAtLeast },
    },
    failingNotice: failing.at(-1)?.lastError ?? null,
  };
}

async function page(
  ctx: QueryCtx,
  state: "owed" | "failed",
): Promise<Doc<"complete">[]> {
  return await ctx.db
    .query("complete")
    .withIndex("by_callback", (q) => q.eq("callback.state", state))
    .take(MAX_COUNTED);
}

/** Those with the most first. */
function byFunction(rows: readonly Doc<"complete">[]): FailingCallbacks[] {
  const worstFirst = [...rows].sort(
    (a, b) => b.callback!.attempts - a.callback!.attempts,
  );
  const groups = new Map<string, FailingCallbacks>();
  for (const { fnName, callback } of worstFirst) {
    const lastError = callback!.lastError ?? "";
    const group = groups.get(fnName) ?? { fnName, count: 0, lastError };
    group.count += 1;
    groups.set(fnName, group);
  }
  return [...groups.values()].sort((a, b) => b.count - a.count);
}

/** Stops retries by filter that go on: whoever cancels works does not want them started meanwhile. */
import type { MutationCtx } from "../_generated/server.js";
import type { Filter } from "./filter.js";

/** Far above what runs at a time. */
const MAX_STOPPED = 100;

/**
 * Those that may concern works of this filter; a work may have the tags of both. Their next
 * page finds no row, and exits.
 */
export async function stopRetries(
  ctx: MutationCtx,
  { fnName }: Pick<Filter, "fnName"> = {},
): Promise<void> {
  for (const { _id, kind, filter } of await ctx.db
    .query("operation")
    .take(MAX_STOPPED)) {
    const concerns =
      fnName === undefined ||
      filter.fnName === undefined ||
      filter.fnName === fnName;
    if (kind === "retry" && concerns) await ctx.db.delete("operation", _id);
  }
}

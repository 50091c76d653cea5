/** Stops retries by filter that go on: whoever cancels works does not want them started meanwhile. */
import type { MutationCtx } from "../_generated/server.js";
import type { Filter } from "./filter.js";

/** Far above what runs at a time. */
const MAX_STOPPED = 100;

/**
 * Those that may concern works of this filter; a work may have the tags of both. Their next
 * page finds no row, and exits.
 *
 * @returns whether there was one. Its pages follow each other closely, and each writes the row
 *   that was deleted: whoever does much beside this loses against them again and again.
 */
export async function stopRetries(
  ctx: MutationCtx,
  { fnName }: Pick<Filter, "fnName"> = {},
): Promise<boolean> {
  let stopped = false;
  for (const { _id, kind, filter } of await ctx.db
    .query("operation")
    .take(MAX_STOPPED)) {
    const concerns =
      fnName === undefined ||
      filter.fnName === undefined ||
      filter.fnName === fnName;
    if (kind !== "retry" || !concerns) continue;
    await ctx.db.delete("operation", _id);
    stopped = true;
  }
  return stopped;
}

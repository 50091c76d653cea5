/**
 * Tags: a row for each, since Convex indexes whole fields and not the elements of lists. They are on
 * the row of the work and of its outcome as well, so that nothing is looked for where there are none.
 * They live as long as anything is known about the work.
 */
import type { Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";

/** What has tags: a work, or an outcome. */
type Tagged = { tags?: string[] | undefined };

export async function addTags(
  ctx: MutationCtx,
  workId: Id<"work">,
  { tags = [] }: Tagged,
): Promise<void> {
  for (const tag of tags) await ctx.db.insert("tag", { tag, workId });
}

export async function removeTags(
  ctx: MutationCtx,
  workId: Id<"work">,
  { tags }: Tagged,
): Promise<void> {
  if (tags === undefined) return;
  const rows = await ctx.db
    .query("tag")
    .withIndex("by_work", (q) => q.eq("workId", workId))
    .collect();
  for (const { _id } of rows) await ctx.db.delete("tag", _id);
}

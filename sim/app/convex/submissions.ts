/** Enqueuing that is noted in the same transaction. */
import { componentsGeneric } from "convex/server";
import type { MutationCtx } from "./tallies.js";
import { enqueueWork, poolNamed, type Work } from "./works.js";

export async function submitEach(
  ctx: MutationCtx,
  works: readonly Work[],
): Promise<void> {
  const pool = poolNamed(componentsGeneric() as any, "workpool");
  const ids: string[] = [];
  for (const work of works) ids.push(await enqueueWork(ctx, pool, work));
  await noteSubmitted(ctx, works, ids);
}

export async function noteSubmitted(
  ctx: MutationCtx,
  works: readonly Work[],
  ids: readonly string[],
): Promise<void> {
  for (const [index, { args }] of works.entries()) {
    await ctx.db.insert("enqueued", { key: args.key, workId: ids[index]! });
  }
}

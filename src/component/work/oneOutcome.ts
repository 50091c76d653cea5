/** As `operation.ts`, for one work: by its id. */
import type { MutationCtx } from "../_generated/server.js";
import type { Done } from "./filter.js";
import { outcomeOf } from "./kept.js";
import { liveWork } from "./live.js";
import type { Handler } from "./operation.js";

/** Any string will do for `id`: one that never named a work is neither matched nor skipped. */
export async function handleOne(
  ctx: MutationCtx,
  id: string,
  handler: Handler,
): Promise<Done> {
  const workId = ctx.db.normalizeId("work", id);
  const row = workId && (await outcomeOf(ctx, workId));
  if (row) {
    const why = await handler.handle(row);
    await handler.finish();
    return why === null ? done(1) : done(0, why);
  }
  const live = workId && (await liveWork(ctx, workId));
  return done(0, live ? "It has not ended." : null);
}

function done(matched: number, why: string | null = null): Done {
  return why === null
    ? { matched, skipped: 0, isDone: true }
    : { matched, skipped: 1, isDone: true, why };
}

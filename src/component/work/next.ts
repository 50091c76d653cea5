/**
 * What an attempt arranges to follow its success, while it still runs. It is noted on the row of
 * its work, where the end of the attempt finds it (`settle.ts`).
 *
 * | `next` of the work                     | what follows                                              |
 * | -------------------------------------- | --------------------------------------------------------- |
 * | noted by the attempt that counts       | It waits for the end of that attempt; noted again, the last one holds. |
 * | noted by another one                   | Nothing is noted: that one is over.                       |
 * | the attempt succeeds                   | The work takes it over: other arguments replace those before, whose payload goes; or it is suspended. |
 * | the attempt fails, is lost, put off    | It is dropped, with its payload.                          |
 * | the work ends, whoever ends it         | The same.                                                 |
 *
 * A work that is suspended waits in an entry that is due at its time-out. Nothing begins then: whoever is
 * given it ends it (`queue/startBy.ts`). Others end it before (`conclude.ts`, `cancel.ts`).
 *
 * Whatever puts a work back into the queue has settled an attempt: so no work that waits has one.
 */
import { type Infer, v } from "convex/values";
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { type LateArgs, MAX_HOPS, type Next } from "../shared.js";
import { checkArgs } from "../validate.js";
import { checkLate } from "./late.js";
import { deletePayload, storeValue } from "./payload.js";
import { attemptedWork } from "./progress.js";

export const vNextAnswer = v.union(
  v.literal("noted"),
  /** Its work was canceled: nothing follows any more. */
  v.literal("canceled"),
  /** The attempt is over. */
  v.literal("superseded"),
  /** It has gone on as often as it may. */
  v.literal("tooManyHops"),
);
export type NextAnswer = Infer<typeof vNextAnswer>;

/**
 * @param late - Arguments to fill in at each attempt, beside those that were late before. Those among
 *   `fnArgs` are of an attempt that will be over, and left out.
 */
export async function noteContinuation(
  ctx: MutationCtx,
  id: string,
  fence: number,
  fnArgs: unknown,
  late: LateArgs,
): Promise<NextAnswer> {
  const work = await attemptedWork(ctx, id, fence);
  if (!work?.late || work.fnType !== "action") return "superseded";
  if (work.canceled) return "canceled";
  if ((work.hops ?? 0) >= MAX_HOPS) return "tooManyHops";
  checkArgs(work.fnName, fnArgs);
  const allLate = { ...work.late, ...late };
  const given = without(fnArgs as Record<string, unknown>, allLate);
  const size = checkArgs(work.fnName, given);
  const lateSize = checkLate(allLate, given);
  if (work.next) await deleteNext(ctx, work.next);
  const { value, payloadId } = await storeValue(ctx, given, size);
  await ctx.db.patch("work", work._id, {
    next: {
      kind: "continue",
      fence,
      ...(payloadId === undefined ? { fnArgs: value } : { argsId: payloadId }),
      argsSize: size + lateSize,
      late: allLate,
    },
  });
  return "noted";
}

/** @param timeoutMs - From now on. */
export async function noteSuspension(
  ctx: MutationCtx,
  id: string,
  fence: number,
  timeoutMs: number,
): Promise<NextAnswer> {
  const work = await attemptedWork(ctx, id, fence);
  if (!work?.late || work.fnType !== "action") return "superseded";
  if (work.canceled) return "canceled";
  if (work.next) await deleteNext(ctx, work.next);
  const timeoutAt = Math.ceil(Date.now() + timeoutMs);
  await ctx.db.patch("work", work._id, {
    next: { kind: "suspend", fence, timeoutAt },
  });
  return "noted";
}

/** Its attempt has succeeded. At once, and not when it goes back to the queue: meanwhile others may end it. */
export async function takeNext(
  ctx: MutationCtx,
  attempted: Doc<"work">,
): Promise<Doc<"work">> {
  const { next, ...work } = attempted;
  if (next?.kind !== "continue") return await dropNext(ctx, attempted);
  const { kind: _, fence: __, ...args } = next;
  const taken = { fnArgs: undefined, argsId: undefined, ...args };
  await ctx.db.patch("work", work._id, { ...taken, next: undefined });
  await deletePayload(ctx, work.argsId);
  return { ...work, ...taken };
}

/** Its attempt was over otherwise. */
export async function dropNext(
  ctx: MutationCtx,
  { next, ...work }: Doc<"work">,
): Promise<Doc<"work">> {
  if (next) await deleteNext(ctx, next);
  await ctx.db.patch("work", work._id, { next: undefined });
  return work;
}

/** What it keeps beside the row of the work. */
export async function deleteNext(ctx: MutationCtx, next: Next): Promise<void> {
  if (next.kind === "continue") await deletePayload(ctx, next.argsId);
}

function without(
  args: Record<string, unknown>,
  late: LateArgs,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(args).filter(([name]) => !Object.hasOwn(late, name)),
  );
}

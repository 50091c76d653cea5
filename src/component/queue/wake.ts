/**
 * Wake-ups. Whoever makes work runnable sees to it that a tick of the loop will
 * look at it. A wake-up writes nothing shared: it reads `runStatus` and, where
 * that says nobody else will look, schedules a tick with the generation it
 * read. A redundant tick is cheap; a missing one is an outage, so in doubt one
 * is scheduled.
 *
 * | runStatus  | new work that may run now | later work       | freed capacity, changed settings |
 * | ---------- | ------------------------- | ---------------- | -------------------------------- |
 * | idle       | tick                      | tick             | settings only                    |
 * | scheduled  | tick                      | tick, if earlier | settings only                    |
 * | running    | the chain will look       | the same         | the same                         |
 * | saturated  | whoever frees capacity    | the same         | tick                             |
 * | the same, paused | of works that have to begin by a time: a tick, which has the watchdog come then | the same | tick |
 *
 * In every state but idle, `validUntil` in the past means that the loop died
 * (its tick was canceled by hand, hit a limit, was lost): then the tick that is
 * scheduled takes the loop over.
 */
import type { FunctionArgs } from "convex/server";
import type { Infer } from "convex/values";
import { internal } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import type { vWakeUp } from "../schema.js";

export type WakeUp = Infer<typeof vWakeUp>;

export type WakeReason =
  /** `isWatched`: the watchdog has to know of it, though nothing may start. */
  | { kind: "work"; dueAt: number; isWatched?: boolean }
  | { kind: "capacity" }
  | { kind: "settings" };

/** Pure: does this need a tick, and does that tick take over a loop that died? */
export function decideWake(
  status: Pick<Doc<"runStatus">, "state" | "validUntil">,
  reason: WakeReason,
  now: number,
): "none" | "tick" | "takeover" {
  if (status.validUntil !== null && status.validUntil < now) return "takeover";
  switch (status.state.kind) {
    case "running":
      return "none";
    case "saturated":
      return reason.kind === "work" && !reason.isWatched ? "none" : "tick";
    case "idle":
      return reason.kind === "capacity" ? "none" : "tick";
    case "scheduled":
      if (reason.kind === "work") {
        return reason.dueAt < status.state.at ? "tick" : "none";
      }
      return reason.kind === "settings" ? "tick" : "none";
  }
}

/** Behind all commit timestamps, and before the placeholder of one that is not known yet. */
export const NOT_COMMITTED = 2n ** 62n;

/** The token of ticks that no entry names: nobody counts on one of these. */
export const NAMELESS = "nameless";

async function wake(
  ctx: MutationCtx,
  status: Doc<"runStatus">,
  reason: WakeReason,
  token: string = NAMELESS,
): Promise<WakeUp | "none" | "refused"> {
  const decision = decideWake(status, reason, Date.now());
  if (decision === "none") return "none";
  if (decision === "takeover") return await takeOver(ctx, status, token);
  if (reason.kind === "work" && (await hasWoken(ctx))) return "none";
  const { generation } = status;
  const scheduledId = await schedule(ctx, { generation, token });
  return scheduledId ? { token, scheduledId } : "refused";
}

/**
 * Whether this transaction has scheduled a tick for what it enqueued before. No committed
 * row lies in what is read here, so that nobody's enqueue conflicts with it.
 */
async function hasWoken(ctx: MutationCtx): Promise<boolean> {
  const own = await ctx.db
    .query("pendingStart")
    .withIndex("by_arrival", (q) =>
      q.eq("kind", "ready").gt("commitTs", NOT_COMMITTED),
    )
    .first();
  return own?.wakeUp !== undefined;
}

/**
 * One tick is enough to take the loop over, however late the scheduler is; the row
 * says which. It is written once, so that those who come meanwhile add none.
 */
async function takeOver(
  ctx: MutationCtx,
  { _id, generation, takeoverId }: Doc<"runStatus">,
  token: string,
): Promise<WakeUp | "none" | "refused"> {
  if (takeoverId && (await isPending(ctx, takeoverId))) return "none";
  const scheduledId = await schedule(ctx, {
    generation,
    token,
    takeover: true,
  });
  if (!scheduledId) return "refused";
  await ctx.db.patch("runStatus", _id, { takeoverId: scheduledId });
  return { token, scheduledId };
}

/**
 * Null: inside a scheduled function that was canceled meanwhile, Convex inserts
 * new ones already canceled, so such a tick would never come.
 */
async function schedule(
  ctx: MutationCtx,
  args: FunctionArgs<typeof internal.loop.tick.tick>,
): Promise<Id<"_scheduled_functions"> | null> {
  const id = await ctx.scheduler.runAfter(0, internal.loop.tick.tick, args);
  return (await isPending(ctx, id)) ? id : null;
}

async function isPending(
  ctx: MutationCtx,
  id: Id<"_scheduled_functions">,
): Promise<boolean> {
  const job = await ctx.db.system.get("_scheduled_functions", id);
  return job?.state.kind === "pending";
}

/** Null: nothing was ever enqueued. */
export async function readRunStatus(
  ctx: MutationCtx,
): Promise<Doc<"runStatus"> | null> {
  return await ctx.db.query("runStatus").first();
}

/**
 * The first enqueue makes the row together with its other first rows: made by the
 * first tick, it would conflict once more with all who enqueue meanwhile.
 */
export async function getOrCreateRunStatus(
  ctx: MutationCtx,
): Promise<Doc<"runStatus">> {
  const row = await readRunStatus(ctx);
  if (row) return row;
  const id = await ctx.db.insert("runStatus", {
    state: { kind: "idle" },
    generation: 0n,
    validUntil: null,
  });
  return (await ctx.db.get("runStatus", id))!;
}

/**
 * Work that becomes due at `earliestDueAt` (milliseconds since the epoch; now or
 * earlier: at once) is being added.
 *
 * @param isWatched - In a paused pool, some of it has to begin by a time (`expiring.ts`).
 * @returns the wake-up, if one was needed: to be noted in the entries it is for.
 *   Of many wake-ups at once, only the one of the oldest entry has anything to do.
 * @throws when the wake-up cannot be scheduled: better no work than work that waits unseen.
 */
export async function wakeForWork(
  ctx: MutationCtx,
  earliestDueAt: number,
  isWatched = false,
): Promise<WakeUp | undefined> {
  const token = crypto.randomUUID();
  const reason = { kind: "work" as const, dueAt: earliestDueAt, isWatched };
  return await wakeOrThrow(ctx, reason, token);
}

/**
 * Settings changed, or a callback is owed: let the loop look.
 * @throws when the wake-up cannot be scheduled.
 */
export async function wakeForChange(ctx: MutationCtx): Promise<void> {
  await wakeOrThrow(ctx, { kind: "settings" });
}

/**
 * Somebody believes that the loop is stuck: a tick looks after everything, as the
 * watchdog does, and starts a new generation. Of no use, and no harm, to a loop that works.
 * @throws when the tick cannot be scheduled.
 */
export async function kickLoop(ctx: MutationCtx): Promise<void> {
  const { generation } = await getOrCreateRunStatus(ctx);
  if (!(await schedule(ctx, { generation, kick: true }))) throw refusal();
}

async function wakeOrThrow(
  ctx: MutationCtx,
  reason: WakeReason,
  token?: string,
): Promise<WakeUp | undefined> {
  const status = await getOrCreateRunStatus(ctx);
  const result = await wake(ctx, status, reason, token);
  if (result === "refused") throw refusal();
  return result === "none" ? undefined : result;
}

/**
 * For reports: capacity became free and retries were queued. Never throws for a
 * refused tick, since the results in the report must not be lost: the executor
 * was canceled, and the watchdog looks after what it leaves.
 *
 * @param known - What this transaction has read, or written, since user code last ran in it.
 */
export async function wakeFromReport(
  ctx: MutationCtx,
  freed: boolean,
  earliestRetryAt: number | null,
  known: Doc<"runStatus"> | null,
): Promise<Doc<"runStatus">> {
  const status = known ?? (await getOrCreateRunStatus(ctx));
  const woken = freed ? await wake(ctx, status, { kind: "capacity" }) : "none";
  if (woken === "none" && earliestRetryAt !== null) {
    await wake(ctx, status, { kind: "work", dueAt: earliestRetryAt });
  }
  return status;
}

function refusal(): Error {
  return new Error(
    "Nothing was changed: the pool's wake-up could not be scheduled, because the scheduled function that makes this call was canceled.",
  );
}

/**
 * Whether a tick is still wanted, from as little as can tell: most wake-ups of a storm
 * find that another tick does everything.
 */
import type { Doc } from "../_generated/dataModel.js";
import type { QueryCtx } from "../_generated/server.js";
import { NAMELESS } from "../queue/wake.js";
import { isLink, type TickArgs } from "./caller.js";
import { type Arrivals, committedAt, entryView } from "./scan.js";
import { LOST_MS, nextIsLost } from "./watchdog.js";

type Entry = Doc<"pendingStart">;

export function isOfNow(
  { generation }: TickArgs,
  status: Doc<"runStatus"> | null,
): boolean {
  return (status?.generation ?? 0n) === generation;
}

/** Of its generation: whether it is one that somebody counts on. A takeover also asks whether the loop is dead. */
export function concerns(
  args: TickArgs,
  status: Doc<"runStatus"> | null,
  state: Doc<"loopState"> | null,
  now: number,
): boolean {
  if (args.kick || args.takeover || !state || !status) return true;
  const driven = state.turnBy !== undefined && !nextIsLost(status, state, now);
  return !driven && isLink(args, state);
}

/**
 * Many who enqueue into a parked pool at once schedule a tick each. The one of the oldest
 * ready entry does everything, and so does that of the oldest arrival of a later one;
 * those of younger ones leave before they would conflict with it. What that one does
 * not see yet conflicts with it instead (`nothingBehind` and `confirmPark` in
 * `transition.ts`). Should it have been canceled, or be held up, the others do not count
 * on it.
 */
export async function isAnothers(
  ctx: QueryCtx,
  { token }: TickArgs,
  status: Doc<"runStatus"> | null,
  queue: { ready: Arrivals; later: Arrivals },
  now: number,
): Promise<boolean> {
  const state = status?.state.kind ?? "idle";
  if (!token || state === "running" || state === "saturated") return false;
  const isOlders = async (oldest: Entry | undefined): Promise<boolean> =>
    oldest !== undefined &&
    oldest.wakeUp !== undefined &&
    oldest.wakeUp.token !== token &&
    now - committedAt(entryView(oldest)) < LOST_MS &&
    (await isYounger(ctx, token, oldest)) &&
    (await isAlive(ctx, oldest.wakeUp));
  return (
    (await isOlders(await queue.ready.first())) ||
    (await isOlders(await queue.later.first()))
  );
}

/**
 * Never true for the tick of an entry that is gone: others may have left to it in older
 * snapshots, in which theirs were the younger ones. One that no entry names is nobody's.
 */
async function isYounger(
  ctx: QueryCtx,
  token: string,
  oldest: Entry,
): Promise<boolean> {
  if (token === NAMELESS) return oldest.kind === "ready";
  const own =
    (await entryOf(ctx, "ready", token)) ??
    (await entryOf(ctx, "later", token));
  return own !== null && isBefore(oldest, own);
}

async function entryOf(
  ctx: QueryCtx,
  kind: "ready" | "later",
  token: string,
): Promise<Entry | null> {
  return await ctx.db
    .query("pendingStart")
    .withIndex("by_wake_up", (q) =>
      q.eq("kind", kind).eq("wakeUp.token", token),
    )
    .first();
}

function isBefore(one: Entry, other: Entry): boolean {
  const [a, b] = [entryView(one).position, entryView(other).position];
  if (a === null || b === null) return a !== null;
  return a.commitTs === b.commitTs
    ? a.creationTime < b.creationTime
    : a.commitTs < b.commitTs;
}

async function isAlive(
  ctx: QueryCtx,
  { scheduledId }: NonNullable<Entry["wakeUp"]>,
): Promise<boolean> {
  const tick = await ctx.db.system.get("_scheduled_functions", scheduledId);
  return tick?.state.kind === "pending" || tick?.state.kind === "inProgress";
}

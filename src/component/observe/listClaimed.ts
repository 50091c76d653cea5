/**
 * Works that the workers have, found from what these have: of ten thousand works of
 * which ten run, the ten are found without looking at the others. They are listed worker by
 * worker, the latest hand-over first. Bounded: whoever asks says how many documents may be read.
 */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { QueryCtx } from "../_generated/server.js";
import { livingExecutors } from "../loop/executorViews.js";
import { matches } from "../work/filter.js";
import { liveWork } from "../work/live.js";
import { membersOf, runningAt, withoutOver } from "./claims.js";
import { checkCursors } from "./cursor.js";
import { listedWork, MAX_DOCUMENTS } from "./listed.js";
import type {
  ListedWork,
  ListFilter,
  PaginationOpts,
  WorkPage,
} from "./workList.js";

/** More than the executors that a pool may have. */
const MAX_EXECUTORS = 25;

/** Where a page ended: in whose row, and at which position there. Positions fall. */
type Place = [creationTime: number, position: number];

/**
 * The works that have begun, as far as `documents` documents tell. Of others nobody
 * claims that they run.
 */
export async function begunWorks(
  ctx: QueryCtx,
  documents: number,
): Promise<ReadonlySet<Id<"work">>> {
  const begun = new Set<Id<"work">>();
  const executors = await executorsOf(ctx);
  let left = documents - executors.length;
  for (const executor of executors) {
    // Its statistics, and the row that tells of its lease.
    left -= 2;
    if (left <= 0) break;
    const { running } = await runningAt(ctx, executor);
    for (const claim of running) {
      if (claim.left.length === 0) continue;
      if (claim.runningId !== null && (left -= 1) < 0) break;
      const { first, works } = await membersOf(ctx, executor, claim);
      for (const position of claim.left) {
        const id = works[position - first];
        if (id !== undefined) begun.add(id);
      }
    }
  }
  return begun;
}

export async function listClaimed(
  ctx: QueryCtx,
  state: "claimed" | "running",
  filter: ListFilter,
  opts: PaginationOpts,
): Promise<WorkPage> {
  checkCursors(opts, isPlace);
  const from = placeOf(opts.cursor);
  const { endCursor = null } = opts;
  const until = placeOf(endCursor);
  const executors = await executorsOf(ctx);
  let left = MAX_DOCUMENTS - executors.length;
  const page: ListedWork[] = [];
  let last: Place | null = null;
  const end = (isDone: boolean, place: Place | null): WorkPage => ({
    page,
    isDone,
    continueCursor: place === null ? "[]" : JSON.stringify(place),
  });
  for (const executor of executors.reverse()) {
    const at = executor._creationTime;
    if (from !== null && at > from[0]) continue;
    if (until !== null && at < until[0]) return end(false, until);
    if (left < 4) return end(false, last ?? from ?? [at, Infinity]);
    left -= 2;
    for (const claim of await claimsOf(ctx, executor, state)) {
      const wanted = claim.left
        .filter((position) => from === null || isBehind([at, position], from))
        .reverse();
      if (wanted.length === 0) continue;
      left -= claim.runningId === null ? 0 : 1;
      const { first, works } = await membersOf(ctx, executor, claim);
      for (const position of wanted) {
        const place: Place = [at, position];
        if (until !== null && isBehind(place, until)) return end(false, until);
        const isFull = endCursor === null && page.length >= opts.numItems;
        if (isFull || left < 1) return end(false, last ?? from);
        left -= 1;
        last = place;
        const id = works[position - first];
        const work = id && (await liveWork(ctx, id));
        if (work && isWanted(work, filter)) page.push(listedWork(work, state));
      }
    }
  }
  return end(true, null);
}

function isWanted(
  work: Doc<"work">,
  { fnName, tag, before = Infinity, after = -Infinity }: ListFilter,
): boolean {
  return (
    matches({ fnName, tag }, work) &&
    work._creationTime < before &&
    work._creationTime > after
  );
}

type Claim = Doc<"executorStats">["open"][number];

/** What of it is in this state, the latest first. */
async function claimsOf(
  ctx: QueryCtx,
  executor: Doc<"executor">,
  state: "claimed" | "running",
): Promise<Claim[]> {
  const { running, stats } = await runningAt(ctx, executor);
  if (state === "running") return running.reverse();
  const begun = new Set(running.flatMap(({ left }) => left));
  const waiting = withoutOver(stats, stats.open).map(({ runningId, left }) => ({
    runningId,
    left: left.filter((position) => !begun.has(position)),
  }));
  const undelivered = await ctx.db
    .query("running")
    .withIndex("by_executor", (q) =>
      q.eq("executorId", executor._id).gte("first", stats.cursor),
    )
    .take(MAX_EXECUTORS);
  return [
    ...waiting,
    ...undelivered.map(({ _id, first, works }) => ({
      runningId: _id,
      left: works.map((_, index) => first + index),
    })),
  ].reverse();
}

async function executorsOf(ctx: QueryCtx): Promise<Doc<"executor">[]> {
  const executors = await ctx.db.query("executor").take(MAX_EXECUTORS);
  return livingExecutors({ executors });
}

/** Null: the start of the list, or the end. */
function placeOf(cursor: string | null): Place | null {
  const place = cursor === null ? [] : (JSON.parse(cursor) as unknown[]);
  return isPlace(place) ? place : null;
}

function isPlace(place: unknown[]): place is Place {
  return place.length === 2 && place.every(Number.isFinite);
}

/** Whether the first comes after the second, in the order of the list. */
function isBehind(
  [at, position]: Place,
  [otherAt, otherPosition]: Place,
): boolean {
  return at < otherAt || (at === otherAt && position < otherPosition);
}

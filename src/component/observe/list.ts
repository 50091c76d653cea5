/**
 * Lists of works, newest first: those that have not ended in the order in which they were
 * enqueued, those that have in the order in which they ended, which is that of their
 * rows. So a place in a list never changes; a work that ends leaves the one and is first in
 * the other. A page reads a bounded number of documents, whatever there is:
 *
 * | documents of a page                             | at most |
 * | ----------------------------------------------- | ------: |
 * | works, or outcomes, those of other states too   |      50 |
 * | entries of the queue, of works that wait        |      50 |
 * | what the workers have, of those that do not     | the rest of 118 |
 *
 * Of a tag, in the order of their enqueues: see `listTagged.ts`.
 *
 * Works that a worker has are found from what the workers have: see `listClaimed.ts`.
 */
import {
  mergedStream,
  type QueryStream,
  streamIndexRange,
} from "convex-helpers/server/stream";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { QueryCtx } from "../_generated/server.js";
import { entryOf } from "../queue/entries.js";
import schema from "../schema.js";
import { matches } from "../work/filter.js";
import { isExpired } from "../work/kept.js";
import { behindTheEnd, checkCursors, isPlaceOfRow } from "./cursor.js";
import { listedOutcome, listedWork, MAX_DOCUMENTS } from "./listed.js";
import { begunWorks, listClaimed } from "./listClaimed.js";
import { DOCUMENTS_EACH, MAX_TAGGED, tagged } from "./listTagged.js";
import type {
  ListedWork,
  ListFilter,
  PaginationOpts,
  WorkPage,
  WorkState,
} from "./workList.js";

/** Of one page. */
const MAX_ROWS = 50;
/** A row with errors and history may have a hundred kilobytes. */
const MAX_BYTES = 4_000_000;

type Row = Doc<"work"> | Doc<"complete">;
type Entry = Doc<"pendingStart"> | null;

export async function listWorks(
  ctx: QueryCtx,
  filter: ListFilter,
  opts: PaginationOpts,
): Promise<WorkPage> {
  const { state, fnName, tag, callback } = filter;
  const end = behindTheEnd(opts);
  if (end !== null) return end;
  if (state === "claimed" || state === "running") {
    return await listClaimed(ctx, state, filter, opts);
  }
  const now = Date.now();
  const entries = new Entries(ctx);
  const isWanted = async (row: Row) =>
    matches({ fnName, tag }, row) &&
    (isOutcome(row)
      ? !isExpired(row, now) && isAsked(row, filter)
      : callback === undefined &&
        (state === undefined ||
          waitingState(row, await entries.of(row), now) === state));
  const rows = await rowsOf(ctx, filter, opts)
    .filterWith(isWanted)
    .paginate({
      numItems: opts.numItems,
      cursor: opts.cursor,
      endCursor: opts.endCursor ?? null,
      maximumRowsRead: tag === undefined ? MAX_ROWS : MAX_TAGGED,
      maximumBytesRead: MAX_BYTES,
    });
  const left = () =>
    MAX_DOCUMENTS -
    (tag === undefined
      ? MAX_ROWS + entries.found
      : MAX_TAGGED * DOCUMENTS_EACH);
  return { ...rows, page: await listed(ctx, entries, rows.page, now, left) };
}

/** What ranges of outcomes say by themselves, the rows of tags do not. */
function isAsked(
  row: Doc<"complete">,
  { state, callback }: Pick<ListFilter, "state" | "callback">,
): boolean {
  return (
    (state === undefined || row.result.kind === state) &&
    (callback === undefined || row.callback?.state === callback)
  );
}

/** A part of an index whose rows have `prefix` in common. */
type Range = {
  table: "work" | "complete" | "tag";
  index: string;
  prefix: (string | undefined)[];
};

/** In whatever order the filter wants. Of several, the rows are merged in the order of their creation. */
function rangesOf({ state, callback, fnName, tag }: ListFilter): Range[] {
  const unfinished: Range = {
    table: "work",
    index: "by_end",
    prefix: [undefined],
  };
  const ended = (index: string, ...prefix: string[]): Range => ({
    table: "complete",
    index,
    prefix,
  });
  if (tag !== undefined) {
    return [{ table: "tag", index: "by_tag", prefix: [tag] }];
  }
  if (callback !== undefined) return [ended("by_callback_state", callback)];
  switch (state) {
    case "success":
    case "failed":
    case "canceled":
      return fnName === undefined
        ? [ended("by_kind", state)]
        : [ended("by_kind_and_name", state, fnName)];
    case undefined:
      return [unfinished, ended("by_creation_time")];
    default:
      return [unfinished];
  }
}

/** As far as the cursors are of this list. */
function rowsOf(
  ctx: QueryCtx,
  filter: ListFilter,
  opts: PaginationOpts,
): QueryStream<Row> {
  const [first, ...more] = rangesOf(filter);
  const isMerged = more.length > 0;
  const prefix = isMerged ? [] : first!.prefix;
  checkCursors(opts, (place) => isPlaceOfRow(place, prefix));
  const streams = [first!, ...more].map((range) =>
    streamOf(ctx, range, filter),
  );
  return isMerged ? mergedStream<Row>(streams, ["_creationTime"]) : streams[0]!;
}

function streamOf(
  ctx: QueryCtx,
  { table, index, prefix }: Range,
  { before, after }: ListFilter,
): QueryStream<Row> {
  const bounds = {
    lowerBound: [...prefix, ...(after === undefined ? [] : [after])],
    lowerBoundInclusive: after === undefined,
    upperBound: [...prefix, ...(before === undefined ? [] : [before])],
    upperBoundInclusive: before === undefined,
  };
  const rows: unknown = streamIndexRange(
    ctx.db,
    schema,
    table,
    index as "by_creation_time",
    bounds,
    "desc",
  );
  return table === "tag"
    ? tagged(ctx, rows as QueryStream<Doc<"tag">>)
    : (rows as QueryStream<Row>);
}

function isOutcome(row: Row): row is Doc<"complete"> {
  return "workId" in row;
}

/** Reads each entry once. */
class Entries {
  readonly #read = new Map<Id<"pendingStart"> | Id<"work">, Promise<Entry>>();
  /** Documents that were there. */
  found = 0;

  constructor(private readonly ctx: QueryCtx) {}

  /** In which it waits. */
  async of(work: Doc<"work">): Promise<Entry> {
    const key = work.entryId ?? work._id;
    let entry = this.#read.get(key);
    if (entry === undefined) {
      entry = work.entryId
        ? this.ctx.db.get("pendingStart", work.entryId)
        : entryOf(this.ctx, work);
      this.#read.set(key, entry);
      if (await entry) this.found += 1;
    }
    const found = await entry;
    return found?.works.includes(work._id) ? found : null;
  }
}

/** Null: it does not wait. */
export function waitingState(
  { attempts = 0, follows, suspended }: Doc<"work">,
  entry: Entry,
  now: number,
): WorkState | null {
  if (suspended !== undefined) return "suspended";
  // It gets into the queue with the end of another work.
  if (follows !== undefined) return "waiting";
  if (entry === null) return null;
  if (entry.dueAt <= now) return "waiting";
  return attempts > 0 ? "retrying" : "scheduled";
}

async function listed(
  ctx: QueryCtx,
  entries: Entries,
  rows: readonly Row[],
  now: number,
  documentsLeft: () => number,
): Promise<ListedWork[]> {
  const works: ListedWork[] = [];
  let begun: ReadonlySet<Id<"work">> | undefined;
  for (const row of rows) {
    if (isOutcome(row)) {
      works.push(listedOutcome(row));
      continue;
    }
    const entry = await entries.of(row);
    let state = waitingState(row, entry, now);
    if (state === null) {
      begun ??= await begunWorks(ctx, documentsLeft());
      state = begun.has(row._id) ? "running" : "claimed";
    }
    works.push(listedWork(row, state, entry?.dueAt));
  }
  return works;
}

/** What the page shows of deliveries. */
import {
  paginationOptsValidator,
  paginationResultValidator,
} from "convex/server";
import { ConvexError, v, type Infer } from "convex/values";
import type { WorkId } from "convex-workpool";
import type { Doc, Id } from "./_generated/dataModel.js";
import { query, type QueryCtx } from "./_generated/server.js";
import { endedLast, ofThisRound, openOne } from "./attempts.js";
import { pageOf, vFilter, vPlace } from "./order.js";
import { pool } from "./pool.js";
import {
  endInPool,
  phasesOf,
  vPhaseUnderWay,
  type PhaseUnderWay,
} from "./progress.js";
import { vAttempt, vRedelivery } from "./schema.js";

const vPhase = v.union(
  vPhaseUnderWay,
  v.literal("success"),
  v.literal("failed"),
  v.literal("canceled"),
);

const vRow = v.object({
  _id: v.id("deliveries"),
  _creationTime: v.number(),
  endpointId: v.id("endpoints"),
  endpoint: v.string(),
  guid: v.string(),
  title: v.string(),
  subject: v.string(),
  phase: vPhase,
  /** Of all rounds. */
  attempts: v.array(vAttempt),
  redeliveries: v.optional(v.array(vRedelivery)),
  /** Why it failed, or why its attempt before did. */
  error: v.optional(v.string()),
  settledAt: v.optional(v.number()),
  redeliveredAs: v.optional(v.id("deliveries")),
});

/** Bounds what a page reads, and what runs again when something on it changes. */
const MAX_PAGE = 100;

/** A page of the list, live: see order.ts. */
export const page = query({
  args: {
    ...vFilter.fields,
    from: v.optional(vPlace),
    /** Deliveries on the page: an integer from 1 to 100. */
    count: v.number(),
  },
  returns: v.object({
    rows: v.array(vRow),
    /** Where the next page begins. Null: this is the last one. */
    next: v.union(vPlace, v.null()),
  }),
  handler: async (ctx, { from, count, ...filter }) => {
    if (!Number.isInteger(count) || count < 1 || count > MAX_PAGE) {
      throw new ConvexError(
        `count is ${count}; it must be an integer from 1 to ${MAX_PAGE}`,
      );
    }
    const { deliveries, next } = await pageOf(ctx, filter, { from, count });
    return { rows: await describeAll(ctx, deliveries), next };
  },
});

/** One delivery, with when it is tried next. Null: no delivery has this id, whatever it is. */
export const get = query({
  args: { deliveryId: v.string() },
  returns: v.union(
    v.null(),
    v.object({
      ...vRow.fields,
      /** While it waits for an attempt: when that is due. */
      dueAt: v.optional(v.number()),
    }),
  ),
  handler: async (ctx, { deliveryId }) => {
    const id = ctx.db.normalizeId("deliveries", deliveryId);
    const delivery = id && (await ctx.db.get("deliveries", id));
    if (!delivery) {
      return null;
    }
    const [row] = await describeAll(ctx, [delivery]);
    const work =
      row!.phase === "retrying"
        ? await pool.get(ctx, workIdOf(delivery))
        : undefined;
    return { ...row!, dueAt: work?.dueAt };
  },
});

/** All deliveries, page by page, for those who do not watch. */
export const list = query({
  args: { paginationOpts: paginationOptsValidator },
  returns: paginationResultValidator(vRow),
  handler: async (ctx, { paginationOpts }) => {
    const result = await ctx.db
      .query("deliveries")
      .order("desc")
      .paginate(paginationOpts);
    return { ...result, page: await describeAll(ctx, result.page) };
  },
});

/** Rows without one are seen only by the transaction that inserts them. */
export function workIdOf({ workId }: Doc<"deliveries">): WorkId {
  return workId!;
}

export async function existing(
  ctx: QueryCtx,
  deliveryId: Id<"deliveries">,
): Promise<Doc<"deliveries">> {
  const delivery = await ctx.db.get("deliveries", deliveryId);
  if (!delivery) {
    throw new ConvexError(`there is no delivery ${deliveryId}`);
  }
  return delivery;
}

type Row = Infer<typeof vRow>;

async function describeAll(
  ctx: QueryCtx,
  deliveries: Doc<"deliveries">[],
): Promise<Row[]> {
  const open = deliveries.filter(({ state }) => state === "open");
  const phases = await phasesOf(
    ctx,
    open.map((delivery) => ({
      workId: workIdOf(delivery),
      attempts: ofThisRound(delivery),
    })),
  );
  const phaseOf = new Map(open.map(({ _id }, i) => [_id, phases[i]!]));
  const names = await endpointNames(ctx, deliveries);
  return Promise.all(
    deliveries.map(async (delivery) => {
      const phase = phaseOf.get(delivery._id);
      const endpoint = names.get(delivery.endpointId)!;
      return describe(await asOfNow(ctx, delivery, phase), endpoint, phase);
    }),
  );
}

/** With the end of an attempt that only the pool knows: the row is told when the next one begins. */
async function asOfNow(
  ctx: QueryCtx,
  delivery: Doc<"deliveries">,
  phase: PhaseUnderWay | undefined,
): Promise<Doc<"deliveries">> {
  const unended = phase === "retrying" && openOne(delivery.attempts);
  const end = unended && (await endInPool(ctx, workIdOf(delivery), unended));
  return end
    ? { ...delivery, attempts: endedLast(delivery.attempts, end) }
    : delivery;
}

function describe(
  delivery: Doc<"deliveries">,
  endpoint: string,
  phase: PhaseUnderWay | undefined,
): Row {
  const { eventId: _, workId: __, stage: ___, state, error, ...row } = delivery;
  const told = row.attempts.filter(({ error }) => error).at(-1)?.error;
  return {
    ...row,
    endpoint,
    phase: state === "open" ? phase! : state,
    error: state === "success" ? undefined : (told ?? error),
  };
}

/** Each read once, however many deliveries go there. */
async function endpointNames(
  ctx: QueryCtx,
  deliveries: Doc<"deliveries">[],
): Promise<Map<Id<"endpoints">, string>> {
  const ids = [...new Set(deliveries.map(({ endpointId }) => endpointId))];
  const names = ids.map(async (id): Promise<[Id<"endpoints">, string]> => [
    id,
    (await ctx.db.get("endpoints", id))?.name ?? "removed",
  ]);
  return new Map(await Promise.all(names));
}

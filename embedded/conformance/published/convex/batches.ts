import { defineBatchWorkerValidators, ping } from "@convex-dev/batch-worker";
import {
  anyApi,
  componentsGeneric,
  internalMutationGeneric,
  internalQueryGeneric,
  mutationGeneric,
} from "convex/server";
import { v } from "convex/values";

const components = componentsGeneric() as any;
const self = anyApi.batches as any;
const BATCH = 10;

const { vQueryArgs, vQueryReturns, vMutationArgs } =
  defineBatchWorkerValidators({
    batch: {
      queue: v.string(),
      events: v.array(v.object({ id: v.id("events"), value: v.number() })),
    },
  });

export const add = mutationGeneric({
  args: { queue: v.string(), values: v.array(v.number()) },
  handler: async (ctx, { queue, values }) => {
    for (const value of values) {
      await ctx.db.insert("events", {
        queue,
        value,
        insertedAt: (ctx.db as any).vars.commitTs,
      });
    }
    await ping(ctx as any, components.batchWorker, {
      name: queue,
      workQuery: self.next,
      workerMutation: self.process,
    });
    return null;
  },
});

export const next = internalQueryGeneric({
  args: vQueryArgs,
  returns: vQueryReturns,
  handler: async (ctx, { name, cursor }): Promise<any> => {
    const events = await ctx.db
      .query("events")
      .withIndex("by_queue", (q: any) =>
        q.eq("queue", name).gte("insertedAt", cursor ?? 0n),
      )
      .take(BATCH);
    if (events.length === 0) return { kind: "idle" };
    return {
      kind: "work",
      batch: {
        queue: name,
        events: events.map(({ _id, value }) => ({ id: _id, value })),
      },
      cursor: events.at(-1)!.insertedAt,
    };
  },
});

/** Writes each value down, and how many came together. */
export const process = internalMutationGeneric({
  args: vMutationArgs,
  handler: async (ctx, { queue, events }: any) => {
    for (const { id, value } of events) {
      await ctx.db.insert("diary", { about: queue, entry: value });
      await ctx.db.delete(id);
    }
    await ctx.db.insert("diary", {
      about: `${queue} sizes`,
      entry: events.length,
    });
  },
});

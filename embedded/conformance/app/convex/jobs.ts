/** What is scheduled, and who schedules it. */
import {
  actionGeneric,
  anyApi,
  internalActionGeneric,
  internalMutationGeneric,
  internalQueryGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { ConvexError, v } from "convex/values";

const self = anyApi.jobs as any;

export const schedule = mutationGeneric({
  args: {
    name: v.string(),
    args: v.any(),
    delayMs: v.optional(v.number()),
    at: v.optional(v.number()),
  },
  handler: async (ctx, { name, args, delayMs, at }): Promise<string> =>
    at === undefined
      ? await ctx.scheduler.runAfter(delayMs ?? 0, self[name], args)
      : await ctx.scheduler.runAt(at, self[name], args),
});

export const scheduleMany = mutationGeneric({
  args: { name: v.string(), args: v.array(v.any()), delayMs: v.number() },
  handler: async (ctx, { name, args, delayMs }): Promise<string[]> => {
    const ids: string[] = [];
    for (const each of args) {
      ids.push(await ctx.scheduler.runAfter(delayMs, self[name], each));
    }
    return ids;
  },
});

export const cancel = mutationGeneric({
  args: { id: v.string() },
  handler: async (ctx, { id }) => {
    await ctx.scheduler.cancel(id as any);
    return null;
  },
});

/** Schedules and cancels in one transaction. */
export const scheduleAndCancel = mutationGeneric({
  args: {},
  handler: async (ctx): Promise<string> => {
    const id = await ctx.scheduler.runAfter(0, self.note, { text: "never" });
    await ctx.scheduler.cancel(id);
    return id;
  },
});

export const job = queryGeneric({
  args: { id: v.string() },
  handler: (ctx, { id }) => ctx.db.system.get(id as any),
});

export const jobs = queryGeneric({
  args: { kind: v.string() },
  handler: (ctx, { kind }) =>
    ctx.db.system
      .query("_scheduled_functions")
      .filter((q) => q.eq(q.field("state.kind"), kind))
      .collect(),
});

export const notes = queryGeneric({
  args: { about: v.optional(v.string()) },
  handler: async (ctx, { about }): Promise<string[]> =>
    (await ctx.db.query("jobNotes").collect())
      .map(({ text }) => text as string)
      .filter((text) => about === undefined || text.startsWith(about)),
});

export const note = internalMutationGeneric({
  args: { text: v.string() },
  handler: async (ctx, { text }) => {
    await ctx.db.insert("jobNotes", { text });
    return null;
  },
});

/** Reads what all its like write: those that run together conflict. */
export const append = internalMutationGeneric({
  args: { text: v.string() },
  handler: async (ctx, { text }) => {
    const before = await ctx.db.query("jobNotes").collect();
    await ctx.db.insert("jobNotes", { text: `${text} ${before.length}` });
    return null;
  },
});

export const noteAndThrow = internalMutationGeneric({
  args: { text: v.string() },
  handler: async (ctx, { text }) => {
    await ctx.db.insert("jobNotes", { text });
    await ctx.scheduler.runAfter(0, self.note, { text: `${text}, scheduled` });
    throw new Error(`did not like ${text}`);
  },
});

/** Writes down how its own row looks from inside. */
export const lookAtSelf = internalMutationGeneric({
  args: {},
  handler: async (ctx) => {
    const { scheduledFunctionId } = await (
      ctx as any
    ).meta.getRequestMetadata();
    const row: any = await ctx.db.system.get(scheduledFunctionId);
    await ctx.db.insert("jobNotes", { text: `I am ${row.state.kind}` });
    return null;
  },
});

export const cancelSelf = internalMutationGeneric({
  args: { text: v.string() },
  handler: async (ctx, { text }) => {
    const { scheduledFunctionId } = await (
      ctx as any
    ).meta.getRequestMetadata();
    await ctx.scheduler.cancel(scheduledFunctionId);
    await ctx.db.insert("jobNotes", { text });
    return null;
  },
});

/** By a Date, not by a number. */
export const scheduleAtDate = mutationGeneric({
  args: { at: v.number() },
  handler: async (ctx, { at }): Promise<string> =>
    await ctx.scheduler.runAt(new Date(at), self.note, { text: "by a date" }),
});

export const countDown = internalMutationGeneric({
  args: { text: v.string(), left: v.number() },
  handler: async (ctx, { text, left }) => {
    await ctx.db.insert("jobNotes", { text: `${text} ${left}` });
    if (left > 0) {
      await ctx.scheduler.runAfter(0, self.countDown, { text, left: left - 1 });
    }
    return null;
  },
});

export const aQuery = internalQueryGeneric({ args: {}, handler: () => 1 });

/** Waits at a gate, then notes. */
export const wait = internalActionGeneric({
  args: { url: v.string(), text: v.string() },
  handler: async (ctx, { url, text }) => {
    await fetch(url);
    await ctx.runMutation(self.note, { text });
    return null;
  },
});

/** Waits at a gate, then schedules: directly, and in a mutation that it calls. */
export const waitThenSchedule = internalActionGeneric({
  args: { url: v.string(), text: v.string() },
  handler: async (ctx, { url, text }) => {
    await fetch(url);
    const direct = await ctx.scheduler.runAfter(0, self.note, {
      text: `${text}, directly`,
    });
    const through: string = await ctx.runMutation(self.schedule, {
      name: "note",
      args: { text: `${text}, in a mutation` },
    });
    await ctx.runMutation(self.note, {
      text: `${text} ${JSON.stringify([direct, through])}`,
    });
    return null;
  },
});

export const failAfterNote = internalActionGeneric({
  args: { text: v.string() },
  handler: async (ctx, { text }) => {
    await ctx.runMutation(self.note, { text });
    await ctx.scheduler.runAfter(0, self.note, { text: `${text}, scheduled` });
    throw new ConvexError({ text });
  },
});

export const whoAmI = internalMutationGeneric({
  args: {},
  handler: async (ctx) => {
    const identity = await ctx.auth.getUserIdentity();
    await ctx.db.insert("jobNotes", { text: `identity ${identity}` });
    return null;
  },
});

export const scheduleFromAction = actionGeneric({
  args: { text: v.string() },
  handler: async (ctx, { text }): Promise<string> => {
    const kept = await ctx.scheduler.runAfter(0, self.note, { text });
    const dropped = await ctx.scheduler.runAfter(1e9, self.note, { text });
    await ctx.scheduler.cancel(dropped);
    await ctx.runMutation(self.note, { text: `${text} ${kept} ${dropped}` });
    throw new Error("failed after all");
  },
});

export const misuse = mutationGeneric({
  args: { how: v.string() },
  handler: async (ctx, { how }): Promise<any> => {
    const note = { text: "never" };
    switch (how) {
      case "more than five years ahead":
        return await ctx.scheduler.runAfter(6 * 365 * 864e5, self.note, note);
      case "a function that is not there":
        return await ctx.scheduler.runAfter(0, self.nowhere, {});
      case "in the past by a delay":
        return await ctx.scheduler.runAfter(-1, self.note, note);
      case "after no number":
        return await ctx.scheduler.runAfter(NaN, self.note, note);
      case "cancel what is no id":
        return await ctx.scheduler.cancel("nonsense" as any);
      case "cancel a document":
        return await ctx.scheduler.cancel(
          (await ctx.db.insert("jobNotes", note)) as any,
        );
      default:
        throw new Error(`unknown: ${how}`);
    }
  },
});

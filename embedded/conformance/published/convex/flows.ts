import {
  start,
  vResultValidator,
  vWorkflowId,
  WorkflowManager,
} from "@convex-dev/workflow";
import {
  anyApi,
  componentsGeneric,
  internalActionGeneric,
  internalMutationGeneric,
  internalQueryGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { v } from "convex/values";

const components = componentsGeneric() as any;
const manager = new WorkflowManager(components.workflow);
const self = anyApi.flows as any;
const { write } = anyApi.diary as any;

const about = { about: v.string() };

export const ask = internalQueryGeneric({
  args: about,
  handler: (_ctx, { about }) => `asked about ${about}`,
});
export const act = internalActionGeneric({
  args: { text: v.string() },
  handler: (_ctx, { text }) => `${text}, acted`,
});
export const refuse = internalActionGeneric({
  args: {},
  handler: () => {
    throw new Error("this step does not work");
  },
});

/** A query, an action, two mutations side by side. */
export const steps = manager
  .define({ args: about, returns: v.string() })
  .handler(async (step, { about }): Promise<string> => {
    const asked: string = await step.runQuery(self.ask, { about });
    const acted: string = await step.runAction(self.act, { text: asked });
    await Promise.all([
      step.runMutation(write, { about, entry: "left" }),
      step.runMutation(write, { about, entry: "right" }),
    ]);
    return acted;
  });

export const sleepy = manager
  .define({ args: about })
  .handler(async (step, { about }): Promise<void> => {
    await step.runMutation(write, { about, entry: "before" });
    await step.sleep(3 * 24 * 60 * 60 * 1000);
    await step.runMutation(write, { about, entry: "after" });
  });

export const waiting = manager
  .define({ args: about })
  .handler(async (step, { about }): Promise<void> => {
    const value = await step.awaitEvent({ name: "go" });
    await step.runMutation(write, { about, entry: value });
  });

export const forgiving = manager
  .define({ args: about })
  .handler(async (step, { about }): Promise<void> => {
    try {
      await step.runAction(self.refuse, {});
    } catch (error) {
      await step.runMutation(write, {
        about,
        entry: (error as Error).message,
      });
    }
  });

export const failing = manager
  .define({ args: about })
  .handler(async (step): Promise<void> => {
    await step.runAction(self.refuse, {});
  });

const drawn = () => ({
  random: Math.random(),
  now: Date.now(),
  date: new Date().getTime(),
});

/** What it draws before and between its steps are their arguments: the journal compares them at every replay. */
export const drawing = manager
  .define({ args: about, returns: v.any() })
  .handler(async (step, { about }): Promise<unknown> => {
    const first = drawn();
    await step.runMutation(write, { about, entry: first });
    await step.sleep(60 * 60 * 1000);
    const second = drawn();
    await step.runMutation(write, { about, entry: second });
    return [first, second, typeof crypto, typeof process];
  });

export const begin = mutationGeneric({
  args: { name: v.string(), about: v.string() },
  handler: async (ctx, { name, about }): Promise<string> =>
    await start(
      ctx as any,
      self[name],
      { about },
      { onComplete: self.completed, context: { about } },
    ),
});

export const completed = internalMutationGeneric({
  args: {
    workflowId: vWorkflowId,
    result: vResultValidator,
    context: v.object(about),
  },
  handler: async (ctx, { result, context: { about } }) => {
    await ctx.db.insert("diary", { about: `${about} outcome`, entry: result });
  },
});

export const go = mutationGeneric({
  args: { id: v.string(), value: v.any() },
  handler: async (ctx, { id, value }) => {
    await manager.sendEvent(ctx as any, {
      name: "go",
      workflowId: id as any,
      value,
    });
    return null;
  },
});

export const cancel = mutationGeneric({
  args: { id: v.string() },
  handler: async (ctx, { id }) => {
    await manager.cancel(ctx as any, id as any);
    return null;
  },
});

export const status = queryGeneric({
  args: { id: v.string() },
  handler: async (ctx, { id }): Promise<string> =>
    (await manager.status(ctx as any, id as any)).type,
});

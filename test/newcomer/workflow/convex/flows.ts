/** A workflow whose steps the pool runs: pushed by `scripts/check-docs.ts` into an app of its own. */
import { WorkflowManager } from "@convex-dev/workflow";
import { v } from "convex/values";
import { components, internal } from "./_generated/api";
import { internalAction, internalMutation } from "./_generated/server";

const workflow = new WorkflowManager(components.workflow, {
  workpoolOptions: { maxParallelism: 5, retryActionsByDefault: true },
});

export const greet = internalAction({
  args: { name: v.string() },
  handler: async (_ctx, { name }) => `hello, ${name}`,
});

export const capitalize = internalMutation({
  args: { text: v.string() },
  handler: async (_ctx, { text }) => text.replace(/^./, (c) => c.toUpperCase()),
});

export const greetings = workflow
  .define({ args: { names: v.array(v.string()) }, returns: v.string() })
  .handler(async (step, { names }): Promise<string> => {
    const greetings = await Promise.all(
      names.map((name) => step.runAction(internal.flows.greet, { name })),
    );
    const text = greetings.join(", ");
    return await step.runMutation(internal.flows.capitalize, { text });
  });

/** Returns what the workflow made, once it has ended. */
export const greetBoth = internalAction({
  args: {},
  handler: async (ctx): Promise<unknown> => {
    const names = ["Ada", "Grace"];
    const id = await workflow.start(ctx, internal.flows.greetings, { names });
    for (;;) {
      const status = await workflow.status(ctx, id);
      if (status.type === "completed") return status.result;
      if (status.type !== "inProgress") throw new Error(status.type);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  },
});

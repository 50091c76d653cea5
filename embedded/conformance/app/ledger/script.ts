import {
  anyApi,
  internalMutationGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { v } from "convex/values";
import { interpret } from "../shared/interpret";

const { script } = anyApi as any;
const reach = {
  run: script.run,
  read: script.read,
  nothing: script.nothing,
};
const steps = { steps: v.array(v.any()) };

export const run = mutationGeneric({
  args: steps,
  handler: (ctx, { steps }) => interpret(ctx, steps, reach),
});

export const read = queryGeneric({
  args: steps,
  handler: (ctx, { steps }) => interpret(ctx, steps, reach),
});

export const nothing = internalMutationGeneric({
  args: {},
  handler: () => null,
});

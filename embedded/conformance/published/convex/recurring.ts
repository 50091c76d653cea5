import { Crons } from "@convex-dev/crons";
import {
  anyApi,
  componentsGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { v } from "convex/values";

const components = componentsGeneric() as any;
const crons = new Crons(components.crons);
const { write } = anyApi.diary as any;

export const register = mutationGeneric({
  args: { name: v.string(), schedule: v.any() },
  handler: async (ctx, { name, schedule }): Promise<string> =>
    await crons.register(
      ctx as any,
      schedule,
      write,
      { about: name, entry: "rang" },
      name,
    ),
});

export const names = queryGeneric({
  args: {},
  handler: async (ctx): Promise<(string | undefined)[]> =>
    (await crons.list(ctx as any)).map(({ name }) => name),
});

export const stop = mutationGeneric({
  args: { name: v.string() },
  handler: async (ctx, { name }) => {
    await crons.delete(ctx as any, { name });
    return null;
  },
});

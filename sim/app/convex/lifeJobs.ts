/** What works of the profile `life` do. */
import {
  anyApi,
  componentsGeneric,
  internalActionGeneric,
  internalMutationGeneric,
  internalQueryGeneric,
} from "convex/server";
import { v } from "convex/values";
import {
  NonRetryableError,
  RateLimitedError,
  Snooze,
} from "../../../src/client/index.js";
import { type Deed, type LifeSpec, vLifeSpec } from "./lifeSpecs.js";
import type { MutationCtx } from "./tallies.js";
import { poolNamed } from "./works.js";

const args = {
  key: v.string(),
  spec: vLifeSpec,
  work: v.optional(v.any()),
};

/** For how long a work waits for somebody to end it. */
const SUSPENDED_MS = 8_000;

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Throws, or returns what says which call it was. */
function outcomeOf({ does, ms }: Deed, call: number): string {
  switch (does) {
    case "fail":
      throw new Error(`call ${call} fails`);
    case "hopeless":
      throw new NonRetryableError(`call ${call} is hopeless`);
    case "snooze":
      throw new Snooze({ ms });
    case "limit":
      throw new RateLimitedError({ retryAfterMs: ms, limit: "life" });
    case "suspendAndFail":
      throw new Error(`call ${call} fails`);
    case "succeed":
    case "hang":
    case "continue":
    case "suspend":
    case "freeze":
      return `${does} ${call}`;
  }
}

export const act = internalActionGeneric({
  args,
  handler: async (ctx, { key, spec, work }) => {
    const call: number = await ctx.runMutation(anyApi.life!.begin!, {
      key,
      spec,
    });
    const deed = spec.deeds[Math.min(call, spec.deeds.length) - 1]!;
    const isShort = deed.does === "snooze" || deed.does === "limit";
    if (!spec.attached || isShort) {
      await sleep(isShort ? 10 : deed.ms);
      return outcomeOf(deed, call);
    }
    const pool = poolNamed(componentsGeneric(), "workpool");
    return await pool.attach(ctx, work, async (attempt) => {
      if (deed.does === "continue") {
        await pool.continueWith(ctx, work, { key, spec });
      }
      if (deed.does === "suspend" || deed.does === "suspendAndFail") {
        await pool.suspend(ctx, work, { timeoutMs: SUSPENDED_MS });
      }
      if (deed.does === "freeze") {
        await attempt.heartbeat({ step: `call ${call}` });
        await sleep(deed.ms);
      }
      const until = Date.now() + (deed.does === "freeze" ? 0 : deed.ms);
      while (Date.now() < until) {
        const beat = attempt.heartbeat({ progress: 0.5, step: `call ${call}` });
        await (spec.listens ? beat : beat.catch(() => {}));
        await sleep(Math.min(700, Math.max(1, until - Date.now())));
      }
      return outcomeOf(deed, call);
    });
  },
});

/** A transaction leaves nothing when it throws, so chance decides which try it is. */
function deedOf({ deeds }: LifeSpec): Deed {
  return deeds[Math.floor(Math.random() * deeds.length)]!;
}

export const mutate = internalMutationGeneric({
  args,
  handler: async (ctx: MutationCtx, { key, spec }) => {
    const { does } = deedOf(spec);
    await ctx.db.insert("lifeCalls", { key, call: 0, does, at: Date.now() });
    await ctx.db.insert("effects", { key });
    return outcomeOf({ does, ms: 200 }, 0);
  },
});

export const read = internalQueryGeneric({
  args,
  handler: async (_ctx, { spec }) => outcomeOf({ ...deedOf(spec), ms: 200 }, 0),
});

/** What the jobs do, whoever runs them. */
import type { MutationCtx } from "./functions.js";

export interface ActionArgs {
  id: number;
  /** How long it takes. */
  ms?: number;
  /** How likely an attempt is to fail. */
  failures?: number;
  /** Before this time, in milliseconds since 1970, every attempt fails. */
  failsUntil?: number;
  /** How often it says that it goes on, where it is told which attempt it is. */
  beatEveryMs?: number;
  /** Ballast. */
  data?: string;
}

export async function act({
  ms = 0,
  failures = 0,
  failsUntil = 0,
}: ActionArgs): Promise<void> {
  if (ms > 0) await sleep(ms);
  if (
    (failures > 0 && Math.random() < failures) ||
    (failsUntil > 0 && Date.now() < failsUntil)
  ) {
    throw new Error("This attempt was meant to fail");
  }
}

export async function sleep(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

export interface Times {
  id: number;
  started: number;
  ended: number;
}

export async function actTimed(args: ActionArgs): Promise<Times> {
  const started = Date.now();
  await act(args);
  return { id: args.id, started, ended: Date.now() };
}

export async function recordTimes(
  ctx: MutationCtx,
  enqueued: number,
  times: Times,
): Promise<void> {
  await ctx.db.insert("timings", { enqueued, ...times });
}

export async function write(ctx: MutationCtx, id: number): Promise<void> {
  await ctx.db.insert("effects", { id });
}

export async function recordOutcome(
  ctx: MutationCtx,
  workId: string,
  kind: string,
): Promise<void> {
  await ctx.db.insert("outcomes", { workId, kind });
}

export async function countOutcome(ctx: MutationCtx): Promise<void> {
  const totals = await ctx.db.query("totals").first();
  if (totals === null) {
    await ctx.db.insert("totals", { outcomes: 1 });
  } else {
    await ctx.db.patch(totals._id, { outcomes: totals.outcomes + 1 });
  }
}

/** What an attempt arranges from inside its handler, to follow its success. */
import type { DefaultFunctionArgs } from "convex/server";
import { NonRetryableError } from "../component/errors.js";
import { checkNames } from "../component/names.js";
import { refuse } from "../component/refusal.js";
import { MAX_HOPS } from "../component/shared.js";
import { checkSuspendTimeout } from "../component/validateTime.js";
import type { NextAnswer } from "../component/work/next.js";
import { decodeWire, isTestWire } from "../component/work/wire.js";
import { AttemptAbortedError } from "./attempt.js";
import type { ActionCtx } from "./context.js";
import { splitArgs, type ThisWork } from "./late.js";
import type { WorkpoolComponent } from "./types.js";

/** As {@link Workpool.continueWith}, for those who keep no pool. */
export async function continueAttempt(
  component: WorkpoolComponent,
  ctx: ActionCtx,
  work: ThisWork,
  args: DefaultFunctionArgs,
): Promise<void> {
  checkInAction("continueWith", ctx);
  const wire = decodeWire(work);
  if (typeof args !== "object" || args === null) {
    refuse(
      "The third argument of continueWith",
      "an object of arguments",
      args,
    );
  }
  const { fnArgs, late } = splitArgs("continueWith", args);
  if (isTestWire(wire)) return;
  const { id, fence } = wire;
  const answer = await ctx.runMutation(component.attempts.continueWith, {
    id,
    fence,
    fnArgs,
    ...(late && { late }),
  });
  assertNoted(answer);
}

/** As {@link Workpool.suspend}, for those who keep no pool. */
export async function suspendAttempt(
  component: WorkpoolComponent,
  ctx: ActionCtx,
  work: ThisWork,
  options: { timeoutMs: number },
): Promise<void> {
  checkInAction("suspend", ctx);
  const wire = decodeWire(work);
  if (typeof options !== "object" || options === null) {
    refuse(
      "The third argument of suspend",
      "an object with timeoutMs",
      options,
    );
  }
  checkNames("suspend", Object.keys(options), ["timeoutMs"]);
  const { timeoutMs } = options;
  checkSuspendTimeout(timeoutMs);
  if (isTestWire(wire)) return;
  const { id, fence } = wire;
  const attempt = { id, fence, timeoutMs };
  assertNoted(await ctx.runMutation(component.attempts.suspend, attempt));
}

function checkInAction(method: string, ctx: ActionCtx): void {
  if (typeof ctx?.runAction === "function") return;
  throw new Error(
    `${method} needs the ctx of an action as its first argument: a mutation or a query has one attempt, and ends with it.`,
  );
}

function assertNoted(answer: NextAnswer): void {
  switch (answer) {
    case "noted":
      return;
    case "tooManyHops":
      throw new NonRetryableError(
        `The work has gone on ${MAX_HOPS} times (continueWith), which is the most that it may.`,
      );
    default:
      throw new AttemptAbortedError(answer);
  }
}

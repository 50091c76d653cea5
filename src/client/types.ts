/** Ids and outcomes as apps see them, with their validators. */
import {
  type Infer,
  v,
  type Validator,
  type VAny,
  type VString,
} from "convex/values";
import type { ComponentApi } from "../component/_generated/component.js";
import {
  type FailureNotice,
  type OnCompleteArgs as SharedOnCompleteArgs,
  type RunResult,
  vFailureNotice,
  vRunResult,
} from "../component/shared.js";
import { vWorkInfo as vComponentWorkInfo } from "../component/observe/workInfo.js";

/** The type of `components.workpool`. */
export type WorkpoolComponent = ComponentApi;

/** Names a work: what `enqueue*` returns. */
export type WorkId = string & { __isWorkId: true };
export const vWorkId = v.string() as VString<WorkId>;

/** What an `onComplete` mutation is called with. */
export type OnCompleteArgs<Context = unknown, Returns = unknown> = {
  /** The work that ended. */
  workId: string;
  /** What was passed as `context` when the work was enqueued. */
  context: Context;
  /** How it ended. */
  result: RunResult<Returns>;
};

// What the component calls callbacks with must be what apps are told.
const _ = {} as OnCompleteArgs satisfies SharedOnCompleteArgs;

/**
 * The arguments validator of an `onComplete` mutation, for those who do not use
 * {@link Workpool.defineOnComplete}:
 *
 * ```ts
 * export const recordOutcome = internalMutation({
 *   args: vOnCompleteArgs(v.object({ orderId: v.id("orders") })),
 *   handler: async (ctx, { workId, context, result }) => {
 *     await ctx.db.patch("orders", context.orderId, { outcome: result.kind });
 *   },
 * });
 * ```
 *
 * @param context - Validates the context. Default: any value, or none.
 * @param returnValue - Validates what the function returned. Default: any value.
 */
export function vOnCompleteArgs<
  VContext extends Validator<any, "required", any> = VAny,
  VReturn extends Validator<any, "required", any> = VAny,
>(context?: VContext, returnValue?: VReturn) {
  return v.object({
    workId: vWorkId,
    context: (context ?? v.optional(v.any())) as VContext,
    result: vRunResult(
      returnValue ?? (v.optional(v.any()) as unknown as VReturn),
    ),
  });
}

/** The arguments validator of an `onComplete` mutation that takes any context: `vOnCompleteArgs(v.any())`. */
export const vOnComplete = vOnCompleteArgs(v.any());

/**
 * The arguments validator of a pool's `onFailed` mutation:
 *
 * ```ts
 * export const report = internalMutation({
 *   args: vOnFailedArgs,
 *   handler: async (ctx, { workId, fnName, error }) => {
 *     await ctx.db.insert("alarms", { workId, text: `${fnName}: ${error}` });
 *   },
 * });
 * ```
 */
export const vOnFailedArgs = vFailureNotice;
/** What a pool's `onFailed` is called with. */
export type OnFailedArgs = FailureNotice;

/** Validates what {@link Workpool.get} returns, when it is not null. */
export const vWorkInfo = v.object({
  ...vComponentWorkInfo.fields,
  workId: vWorkId,
});
export {
  vPoolHealth,
  type PoolHealth,
} from "../component/observe/poolHealth.js";

/** What is known about a work: see {@link Workpool.get}. */
export type WorkInfo = Infer<typeof vWorkInfo>;

/** From function references and options to calls of the component. */
import {
  type DefaultFunctionArgs,
  type FunctionArgs,
  type FunctionReference,
  type FunctionType,
  type FunctionVisibility,
} from "convex/server";
import { getConvexSize, type Value } from "convex/values";
import { checkTags } from "../component/identity.js";
import { logLevelFromEnv } from "../component/env.js";
import type { LogLevel } from "../component/logging.js";
import type { RetryPolicy } from "../component/shared.js";
import {
  checkContext,
  checkExcludeKinds,
  checkLogLevel,
  checkMaxParallelism,
  checkName,
  resolveStatusTtl,
} from "../component/validate.js";
import {
  checkHeartbeatTimeoutMs,
  checkOnTimeout,
  checkRetryBehavior,
  checkTimeoutMs,
  resolveExpireAt,
  resolveRunAt,
} from "../component/validateTime.js";
import {
  type ActionCtx,
  checkComponent,
  checkFunction,
  checkWritable,
  type MutationCtx,
  nameOf,
} from "./context.js";
import { Handles, isHandle } from "./handles.js";
import { splitArgs, type WithLate } from "./late.js";
import { checkDirectOptions } from "./optionNames.js";
import type { EnqueueOptions, WorkpoolOptions } from "./options.js";
import type { WorkId, WorkpoolComponent } from "./types.js";

/** The options of {@link enqueue} and {@link enqueueBatch}. */
export type DirectEnqueueOptions<Context, ReturnValue> = EnqueueOptions<
  Context,
  ReturnValue
> & {
  /** How the function is retried when it fails. Default: not at all. */
  retryBehavior?: RetryPolicy;
  /** See {@link WorkpoolOptions}. */
  onFailed?: WorkpoolOptions["onFailed"];
  /** See {@link WorkpoolOptions}. */
  maxParallelism?: number;
  /** See {@link WorkpoolOptions}. */
  logLevel?: LogLevel;
};

type EnqueueArgs = FunctionArgs<WorkpoolComponent["lib"]["enqueue"]>;
export type Item = Omit<EnqueueArgs, "config">;
/** Of all works of a call that have the same options. */
export type CommonItem = Omit<Item, "fnArgs" | "late">;

/**
 * As the `enqueue*` methods of {@link Workpool}, for those who keep the pool's
 * options elsewhere.
 *
 * @param component - Like `components.workpool`.
 * @param fnType - "action", "mutation" or "query": what `fn` is.
 * @returns The id of the work.
 * @throws as {@link Workpool.enqueueAction} does.
 */
export async function enqueue<
  FnType extends FunctionType,
  Args extends DefaultFunctionArgs,
  ReturnType,
  Context,
>(
  component: WorkpoolComponent,
  ctx: MutationCtx | ActionCtx,
  fnType: FnType,
  fn: FunctionReference<
    NoInfer<FnType>,
    FunctionVisibility,
    Args,
    NoInfer<ReturnType>
  >,
  fnArgs: NoInfer<Args | WithLate<Args>>,
  options: DirectEnqueueOptions<Context, ReturnType>,
): Promise<WorkId> {
  checkComponent(component);
  checkDirectOptions("enqueue", fnType, options);
  return await enqueueChecked(component, ctx, fnType, fn, fnArgs, options);
}

/** As {@link enqueue}; the names of the options were checked. */
export async function enqueueChecked(
  component: WorkpoolComponent,
  ctx: MutationCtx | ActionCtx,
  fnType: FunctionType,
  fn: FunctionReference<FunctionType, FunctionVisibility>,
  fnArgs: DefaultFunctionArgs,
  options: DirectEnqueueOptions<any, any>,
): Promise<WorkId> {
  checkWritable(ctx);
  const config = declaration(options);
  const fnName = nameForLogs(fn, options);
  const handles = new Handles();
  const { item } = await itemOf(handles, fnType, fn, fnName, fnArgs, options);
  const id = await ctx.runMutation(component.lib.enqueue, { ...item, config });
  return id as WorkId;
}

/** An item, and about how many bytes it takes in a call. */
export type SizedItem = { item: Item; size: number };

/** One work of a call. Refuses bad arguments and options before anything is sent. */
export async function itemOf(
  handles: Handles,
  fnType: FunctionType,
  fn: FunctionReference<FunctionType, FunctionVisibility>,
  fnName: string,
  fnArgs: DefaultFunctionArgs,
  options: DirectEnqueueOptions<any, any>,
): Promise<SizedItem> {
  const { size, ...args } = splitArgs(fnName, fnArgs);
  const common = await commonItem(handles, fnType, fn, fnName, options);
  return {
    item: { ...common, ...args },
    size: size + getConvexSize(common as Value),
  };
}

/** What every work of a call has in common. Refuses bad options before anything is sent. */
export async function commonItem<Context, ReturnValue>(
  handles: Handles,
  fnType: FunctionType,
  fn: FunctionReference<FunctionType, FunctionVisibility>,
  fnName: string,
  options: DirectEnqueueOptions<Context, ReturnValue>,
): Promise<CommonItem> {
  const { retryBehavior, statusTtl, onComplete, onFailed, context, tags } =
    options;
  const excludeKinds = options.onCompleteExcludeKinds;
  if (retryBehavior !== undefined) {
    checkRetryBehavior(retryBehavior);
  }
  if (excludeKinds !== undefined) {
    checkExcludeKinds(excludeKinds);
  }
  if (onComplete) {
    checkFunction("onComplete", onComplete);
    checkContext(fnName, context);
  }
  if (onFailed) checkFunction("onFailed", onFailed);
  if (tags !== undefined) checkTags(tags);
  const item: Omit<CommonItem, "fnHandle"> = {
    fnName,
    fnType,
    ...timesOf(options, Date.now()),
    ...(retryBehavior && { retryBehavior }),
    ...(statusTtl !== undefined && { statusTtl: resolveStatusTtl(statusTtl) }),
    ...(tags?.length && { tags: [...tags] }),
  };
  return {
    ...item,
    fnHandle: await handles.of(fn),
    ...(onFailed && { onFailed: await handles.of(onFailed) }),
    ...(onComplete && {
      onComplete: {
        fnHandle: await handles.of(onComplete),
        ...(context !== undefined && { context }),
        ...(excludeKinds && { excludeKinds: [...excludeKinds] }),
      },
    }),
  };
}

/** When it may start, by when it has to, and how long it may take. */
function timesOf(
  options: EnqueueOptions,
  now: number,
): Pick<
  Item,
  "runAt" | "expireAt" | "timeoutMs" | "onTimeout" | "heartbeatTimeoutMs"
> {
  const { timeoutMs, onTimeout, heartbeatTimeoutMs } = options;
  if (timeoutMs !== undefined) checkTimeoutMs(timeoutMs);
  if (onTimeout !== undefined) checkOnTimeout(onTimeout);
  if (heartbeatTimeoutMs !== undefined) {
    checkHeartbeatTimeoutMs(heartbeatTimeoutMs);
  }
  const runAt = resolveRunAt(options, now);
  const expireAt = resolveExpireAt(options, runAt, now);
  return {
    runAt,
    ...(expireAt !== undefined && { expireAt }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(onTimeout !== undefined && { onTimeout }),
    ...(heartbeatTimeoutMs !== undefined && { heartbeatTimeoutMs }),
  };
}

/** What a pool with these options declares. */
export function declaration({
  maxParallelism,
  logLevel,
}: {
  maxParallelism?: number;
  logLevel?: LogLevel;
}): EnqueueArgs["config"] {
  if (maxParallelism !== undefined) {
    checkMaxParallelism(maxParallelism);
  }
  if (logLevel !== undefined) {
    checkLogLevel(logLevel);
  }
  return {
    ...(maxParallelism !== undefined && { maxParallelism }),
    ...(logLevel !== undefined && { logLevel }),
    environmentLogLevel: logLevelFromEnv() ?? null,
  };
}

export function nameForLogs(
  fn: FunctionReference<FunctionType, FunctionVisibility>,
  { name }: { name?: string },
): string {
  checkFunction("fn", fn);
  if (name !== undefined) checkName(name);
  return name ?? (isHandle(fn) ? fn : nameOf(fn));
}

/** From function references and options to calls of the component. */
import {
  createFunctionHandle,
  type DefaultFunctionArgs,
  type FunctionArgs,
  type FunctionReference,
  type FunctionType,
  type FunctionVisibility,
  getFunctionAddress,
} from "convex/server";
import { getConvexSize, type Value } from "convex/values";
import { checkTags } from "../component/identity.js";
import { logLevelFromEnv } from "../component/env.js";
import type { LogLevel } from "../component/logging.js";
import type { RetryPolicy } from "../component/shared.js";
import {
  checkContext,
  checkExcludeKinds,
  checkList,
  checkLogLevel,
  checkMaxParallelism,
  checkName,
  resolveStatusTtl,
} from "../component/validate.js";
import {
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
import { splitArgs, type WithLate } from "./late.js";
import { checkDirectOptions } from "./optionNames.js";
import type { EnqueueOptions } from "./options.js";
import type { WorkId, WorkpoolComponent } from "./types.js";

/** One call may carry 16 MiB of arguments, and its transaction write as much; what is added to each work needs room too. */
const MAX_CALL_BYTES = 8_000_000;

/** A call inserts up to three documents per work, and one transaction has a second of CPU time. */
const MAX_CALL_ITEMS = 1000;

/** The options of {@link enqueue} and {@link enqueueBatch}. */
export type DirectEnqueueOptions<Context, ReturnValue> = EnqueueOptions<
  Context,
  ReturnValue
> & {
  /** How the function is retried when it fails. Default: not at all. */
  retryBehavior?: RetryPolicy;
  /** See {@link WorkpoolOptions}. */
  maxParallelism?: number;
  /** See {@link WorkpoolOptions}. */
  logLevel?: LogLevel;
};

type EnqueueArgs = FunctionArgs<WorkpoolComponent["lib"]["enqueue"]>;
type Item = Omit<EnqueueArgs, "config">;
/** Of all works of a call that have the same options. */
type CommonItem = Omit<Item, "fnArgs" | "late">;

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

/**
 * As the `enqueue*Batch` methods of {@link Workpool}, for those who keep the
 * pool's options elsewhere.
 *
 * @param component - Like `components.workpool`.
 * @param fnType - "action", "mutation" or "query": what `fn` is.
 * @param fnArgsArray - The arguments of each work.
 * @returns The ids of the works, in the order of their arguments.
 * @throws as {@link Workpool.enqueueAction} does, before any work is enqueued.
 */
export async function enqueueBatch<
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
  fnArgsArray: Array<NoInfer<Args | WithLate<Args>>>,
  options: DirectEnqueueOptions<Context, ReturnType>,
): Promise<WorkId[]> {
  checkComponent(component);
  checkDirectOptions("enqueueBatch", fnType, options);
  return await enqueueBatchChecked(
    component,
    ctx,
    fnType,
    fn,
    fnArgsArray,
    options,
  );
}

/** The options of each work of a batch. */
export type OptionsOfItem = (
  fnArgs: any,
  index: number,
) => DirectEnqueueOptions<any, any>;

/**
 * As {@link enqueueBatch}; the names of the options were checked.
 *
 * @param ofItem - The options of each work, which it checks itself. Default: `options`.
 */
export async function enqueueBatchChecked(
  component: WorkpoolComponent,
  ctx: MutationCtx | ActionCtx,
  fnType: FunctionType,
  fn: FunctionReference<FunctionType, FunctionVisibility>,
  fnArgsArray: DefaultFunctionArgs[],
  options: DirectEnqueueOptions<any, any>,
  ofItem?: OptionsOfItem,
): Promise<WorkId[]> {
  checkWritable(ctx);
  checkList("argsArray", fnArgsArray);
  const config = declaration(options);
  const sized = ofItem
    ? await itemsOfEach(fnType, fn, fnArgsArray, ofItem)
    : await itemsAlike(fnType, fn, fnArgsArray, options);

  const ids: string[] = [];
  for (const [start, end] of cutIntoCalls(
    sized.map(({ size }) => size),
    itemsPerCall(sized),
  )) {
    const items = sized.slice(start, end).map(({ item }) => item);
    ids.push(
      ...(await ctx.runMutation(component.lib.enqueueBatch, { items, config })),
    );
  }
  return ids as WorkId[];
}

/** An item, and about how many bytes it takes in a call. */
type SizedItem = { item: Item; size: number };

async function itemsAlike(
  fnType: FunctionType,
  fn: FunctionReference<FunctionType, FunctionVisibility>,
  fnArgsArray: readonly DefaultFunctionArgs[],
  options: DirectEnqueueOptions<any, any>,
): Promise<SizedItem[]> {
  const fnName = nameForLogs(fn, options);
  const split = fnArgsArray.map((fnArgs) => splitArgs(fnName, fnArgs));
  const common = await commonItem(new Handles(), fnType, fn, fnName, options);
  const commonSize = getConvexSize(common as Value);
  return split.map(({ size, ...args }) => ({
    item: { ...common, ...args },
    size: size + commonSize,
  }));
}

async function itemsOfEach(
  fnType: FunctionType,
  fn: FunctionReference<FunctionType, FunctionVisibility>,
  fnArgsArray: readonly DefaultFunctionArgs[],
  ofItem: OptionsOfItem,
): Promise<SizedItem[]> {
  const handles = new Handles();
  const count = fnArgsArray.length;
  const sized: SizedItem[] = [];
  for (const [index, fnArgs] of fnArgsArray.entries()) {
    try {
      const options = ofItem(fnArgs, index);
      const fnName = nameForLogs(fn, options);
      sized.push(await itemOf(handles, fnType, fn, fnName, fnArgs, options));
    } catch (error) {
      throw new Error(
        `Item ${index + 1} of the batch of ${count}: ${(error as Error).message}`,
        { cause: error },
      );
    }
  }
  return sized;
}

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

/** A tag is one more document. */
function itemsPerCall(sized: readonly SizedItem[]): number {
  const mostTags = Math.max(
    0,
    ...sized.map(({ item }) => item.tags?.length ?? 0),
  );
  return Math.floor(MAX_CALL_ITEMS / (1 + mostTags / 3));
}

/** Ranges of items, each small enough for one call. */
export function cutIntoCalls(
  sizes: readonly number[],
  maxItems = MAX_CALL_ITEMS,
): [number, number][] {
  const ranges: [number, number][] = [];
  let start = 0;
  let bytes = 0;
  sizes.forEach((size, index) => {
    const isFull = index - start >= maxItems || bytes + size > MAX_CALL_BYTES;
    if (index > start && isFull) {
      ranges.push([start, index]);
      start = index;
      bytes = 0;
    }
    bytes += size;
  });
  if (sizes.length > start) {
    ranges.push([start, sizes.length]);
  }
  return ranges;
}

/** What every work of a call has in common. Refuses bad options before anything is sent. */
async function commonItem<Context, ReturnValue>(
  handles: Handles,
  fnType: FunctionType,
  fn: FunctionReference<FunctionType, FunctionVisibility>,
  fnName: string,
  options: DirectEnqueueOptions<Context, ReturnValue>,
): Promise<CommonItem> {
  const { retryBehavior, statusTtl, onComplete, context, tags } = options;
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
): Pick<Item, "runAt" | "expireAt" | "timeoutMs" | "onTimeout"> {
  const { timeoutMs, onTimeout } = options;
  if (timeoutMs !== undefined) checkTimeoutMs(timeoutMs);
  if (onTimeout !== undefined) checkOnTimeout(onTimeout);
  const runAt = resolveRunAt(options, now);
  const expireAt = resolveExpireAt(options, runAt, now);
  return {
    runAt,
    ...(expireAt !== undefined && { expireAt }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(onTimeout !== undefined && { onTimeout }),
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

type AnyReference = FunctionReference<
  FunctionType,
  FunctionVisibility,
  any,
  any
>;

/** Makes one handle of each reference, however often it is asked for. */
export class Handles {
  readonly #made = new Map<string, Promise<string>>();

  async of(fn: AnyReference): Promise<string> {
    if (isHandle(fn)) return fn;
    const address = JSON.stringify(getFunctionAddress(fn));
    const made = this.#made.get(address) ?? createFunctionHandle(fn);
    this.#made.set(address, made);
    return await made;
  }
}

/** Function handles are strings that the type system takes for references. */
function isHandle(fn: unknown): fn is string {
  return typeof fn === "string" && fn.startsWith("function://");
}

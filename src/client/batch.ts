/** Many works in few calls of the component. */
import type {
  DefaultFunctionArgs,
  FunctionReference,
  FunctionType,
  FunctionVisibility,
} from "convex/server";
import { getConvexSize, type Value } from "convex/values";
import { show } from "../component/refusal.js";
import { checkList } from "../component/validate.js";
import {
  type ActionCtx,
  checkComponent,
  checkWritable,
  type MutationCtx,
} from "./context.js";
import {
  commonItem,
  declaration,
  type DirectEnqueueOptions,
  itemOf,
  nameForLogs,
  type SizedItem,
} from "./enqueue.js";
import { Handles } from "./handles.js";
import { splitArgs, type WithLate } from "./late.js";
import { checkDirectOptions } from "./optionNames.js";
import type { WorkId, WorkpoolComponent } from "./types.js";

/** One call may carry 16 MiB of arguments, and its transaction write as much; what is added to each work needs room too. */
const MAX_CALL_BYTES = 8_000_000;

/** A call inserts up to three documents per work, and one transaction has a second of CPU time. */
const MAX_CALL_ITEMS = 1000;

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
        `Item ${index + 1} of the batch of ${count}: ${error instanceof Error ? error.message : show(error)}`,
        { cause: error },
      );
    }
  }
  return sized;
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

/** Enqueuing works that are unique by a key. */
import type {
  DefaultFunctionArgs,
  FunctionReference,
  FunctionType,
  FunctionVisibility,
} from "convex/server";
import { checkUnique } from "../component/identity.js";
import {
  type ActionCtx,
  checkComponent,
  checkWritable,
  type MutationCtx,
} from "./context.js";
import {
  declaration,
  type DirectEnqueueOptions,
  itemOf,
  nameForLogs,
} from "./enqueue.js";
import { Handles } from "./handles.js";
import type { WithLate } from "./late.js";
import { refuse } from "../component/refusal.js";
import { checkDirectOptions } from "./optionNames.js";
import type { WorkId, WorkpoolComponent } from "./types.js";

/** What makes a work unique: see {@link Workpool.enqueueUniqueAction}. */
export type UniqueOptions = {
  /** Names what the work is about: 1 to 1,000 characters. Works of one pool share their keys, whatever their function. */
  key: string;
  /**
   * As long as a work holds its key, no other is enqueued with it:
   * - "waiting": until a worker is given it, or it is canceled;
   * - "active": until it has ended, retries included;
   * - "retained": as long as {@link Workpool.get} knows its outcome. Needs a `statusTtl` above 0 for
   *   every kind of outcome;
   * - `{ windowMs }`: for so many milliseconds after it was enqueued, whatever becomes of it: from 1 to
   *   four years.
   *
   * The scope is this call's. Give one key one scope: of a work that was enqueued with another, it is
   * the present call that says whether it holds.
   */
  scope: "waiting" | "active" | "retained" | { windowMs: number };
  /**
   * What happens when a work holds the key:
   * - "return" (the default): nothing;
   * - "replace": if it was never attempted and waits, it becomes what this call describes: function,
   *   arguments and options. It keeps its id, and its place in the queue unless `delayMs`, `runAt` or
   *   `runAfter` moves it. If it has begun, nothing happens: with the scope "waiting" that one
   *   holds no key, and a new work is enqueued;
   * - "runAgain" (with the scope "active"): if it has begun, one more work is enqueued, which waits
   *   until it has ended, whichever way. Duplicates meanwhile find that one.
   */
  onDuplicate?: "return" | "replace" | "runAgain";
  /**
   * With "replace": the work starts so many milliseconds after the last duplicate, from 0 to four
   * years (debounce). The first waits as long, too.
   */
  delayMs?: number;
  /** With `delayMs`: but not later than so many milliseconds after the first. At least `delayMs`. Default: no limit. */
  maxDelayMs?: number;
};

/** What came of it. */
export type UniqueEnqueued = {
  /** Of the work that holds the key now. */
  id: WorkId;
  /** Whether a work was enqueued. */
  isNew: boolean;
  /** Whether one that waited became what this call describes. */
  replaced: boolean;
};

/**
 * As the `enqueueUnique*` methods of {@link Workpool}, for those who keep the pool's options elsewhere.
 *
 * @param component - Like `components.workpool`.
 * @param fnType - "action", "mutation" or "query": what `fn` is.
 * @throws as {@link Workpool.enqueueUniqueAction} does.
 */
export async function enqueueUnique<
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
  options: DirectEnqueueOptions<Context, ReturnType> & {
    unique: UniqueOptions;
  },
): Promise<UniqueEnqueued> {
  checkComponent(component);
  checkDirectOptions("enqueueUnique", fnType, options, ["unique"]);
  const { unique, ...rest } = options;
  return await enqueueUniqueChecked(
    component,
    ctx,
    fnType,
    fn,
    fnArgs,
    rest as DirectEnqueueOptions<any, any>,
    unique,
  );
}

/** As {@link enqueueUnique}; the names of the options were checked. */
export async function enqueueUniqueChecked(
  component: WorkpoolComponent,
  ctx: MutationCtx | ActionCtx,
  fnType: FunctionType,
  fn: FunctionReference<FunctionType, FunctionVisibility>,
  fnArgs: DefaultFunctionArgs,
  options: DirectEnqueueOptions<any, any>,
  unique: UniqueOptions,
): Promise<UniqueEnqueued> {
  checkWritable(ctx);
  if (typeof unique !== "object" || unique === null) {
    refuse("unique", "an object with key and scope", unique);
  }
  const config = declaration(options);
  const fnName = nameForLogs(fn, options);
  const { item } = await itemOf(
    new Handles(),
    fnType,
    fn,
    fnName,
    fnArgs,
    options,
  );
  const movesStart =
    options.runAt !== undefined || options.runAfter !== undefined;
  const asked = { ...given(unique), ...(movesStart ? { movesStart } : {}) };
  checkUnique(asked, item.statusTtl as never);
  return (await ctx.runMutation(component.unique.enqueue, {
    ...item,
    unique: asked,
    config,
  })) as UniqueEnqueued;
}

/** An option that is undefined is as not given. */
function given(unique: UniqueOptions): UniqueOptions {
  return Object.fromEntries(
    Object.entries(unique).filter(([, value]) => value !== undefined),
  ) as UniqueOptions;
}

import {
  type DefaultFunctionArgs,
  type FunctionReference,
  type FunctionVisibility,
  type GenericDataModel,
  type GenericMutationCtx,
  internalMutationGeneric,
  type RegisteredMutation,
} from "convex/server";
import type { Infer, Validator, VAny } from "convex/values";
import type { RunResult, Status } from "../component/shared.js";
import { checkCancelLimit, checkStatusBatch } from "../component/validate.js";
import { checkRetryBehavior } from "../component/validateTime.js";
import {
  type ActionCtx,
  checkComponent,
  checkWritable,
  type MutationCtx,
  type QueryCtx,
} from "./context.js";
import {
  declaration,
  type DirectEnqueueOptions,
  enqueueBatchChecked,
  enqueueChecked,
} from "./enqueue.js";
import {
  checkCancelAllOptions,
  checkEnqueueOptions,
  checkOnCompleteDefinition,
  checkPoolOptions,
} from "./optionNames.js";
import {
  combineStatusTtl,
  type EnqueueOptions,
  resolveRetry,
  type RetryOption,
  type WorkpoolOptions,
} from "./options.js";
import {
  type OnCompleteArgs,
  type PoolHealth,
  vOnCompleteArgs,
  type WorkId,
  type WorkInfo,
  type WorkpoolComponent,
} from "./types.js";

/**
 * A queue of background work with bounded parallelism.
 *
 * ```ts
 * import { Workpool } from "convex-workpool";
 * import { components } from "./_generated/api";
 *
 * const pool = new Workpool(components.workpool, { maxParallelism: 20 });
 * ```
 */
export class Workpool {
  /**
   * @param component - The mounted component, like `components.workpool`. Each
   *   mount in `convex.config.ts` (`app.use(workpool, { name: "emails" })`) is a
   *   pool of its own; several objects of this class for one mount are one pool,
   *   and should have the same options.
   * @param options - See {@link WorkpoolOptions}.
   * @throws when `component` is none, saying how to mount one, and when an option
   *   does not exist, naming those that do. As everywhere in this class, an option
   *   that is undefined is as not given, and one that does not exist is refused
   *   even if it is undefined. Values are checked when something is enqueued.
   */
  constructor(
    public component: WorkpoolComponent,
    public options: WorkpoolOptions = {},
  ) {
    checkComponent(component);
    checkPoolOptions(options);
  }

  /**
   * Enqueues an action.
   *
   * An action runs at most once per attempt, and with `retry` up to
   * `maxAttempts` times. Throw a {@link NonRetryableError} from it when another
   * attempt cannot help.
   *
   * ```ts
   * const workId = await pool.enqueueAction(
   *   ctx,
   *   internal.emails.send,
   *   { to: "ada@example.com" },
   *   { retry: true, onComplete: internal.emails.recordOutcome },
   * );
   * ```
   *
   * @param ctx - The context of a mutation or an action. In a mutation, the work
   *   exists if and only if the mutation commits.
   * @param fn - The action, like `internal.emails.send`, or a handle of one.
   * @param fnArgs - Its arguments. At most 1,000,000 bytes.
   * @param options - When to run, how to retry, what to do afterwards.
   * @returns The id of the work, for {@link status}, {@link get} and {@link cancel}.
   * @throws when an option is out of its range, naming the option, the value and
   *   the range, or does not exist, naming those that do; then nothing was enqueued.
   */
  async enqueueAction<Args extends DefaultFunctionArgs, Context, ReturnType>(
    ctx: MutationCtx | ActionCtx,
    fn: FunctionReference<
      "action",
      FunctionVisibility,
      Args,
      NoInfer<ReturnType>
    >,
    fnArgs: Args,
    options?: RetryOption & EnqueueOptions<Context, ReturnType>,
  ): Promise<WorkId> {
    checkEnqueueOptions("enqueueAction", "action", options, this.options);
    return await enqueueChecked(
      this.component,
      ctx,
      "action",
      fn,
      fnArgs,
      actionOptions(this.options, options),
    );
  }

  /**
   * Enqueues an action once for each element of `argsArray`, as independent
   * works: much cheaper than one call for each.
   *
   * In a mutation they are enqueued together or not at all. In an action, only
   * those of one call are: it takes at most 1,000 works and about 8 MB.
   *
   * @param ctx - The context of a mutation or an action.
   * @param fn - The action, or a handle of one.
   * @param argsArray - The arguments of each work. At most 1,000,000 bytes each.
   * @param options - As for {@link enqueueAction}; they apply to each work.
   * @returns The ids of the works, in the order of `argsArray`.
   * @throws as {@link enqueueAction} does, before any work is enqueued.
   */
  async enqueueActionBatch<
    Args extends DefaultFunctionArgs,
    Context,
    ReturnType,
  >(
    ctx: MutationCtx | ActionCtx,
    fn: FunctionReference<
      "action",
      FunctionVisibility,
      Args,
      NoInfer<ReturnType>
    >,
    argsArray: Array<Args>,
    options?: RetryOption & EnqueueOptions<Context, ReturnType>,
  ): Promise<WorkId[]> {
    checkEnqueueOptions("enqueueActionBatch", "action", options, this.options);
    return await enqueueBatchChecked(
      this.component,
      ctx,
      "action",
      fn,
      argsArray,
      actionOptions(this.options, options),
    );
  }

  /**
   * Enqueues a mutation. It runs exactly once, in one transaction with its
   * outcome, and is not retried when it throws: conflicts and transient failures
   * are retried anyway, and anything else would happen again.
   *
   * @param ctx - The context of a mutation or an action.
   * @param fn - The mutation, like `internal.orders.settle`, or a handle of one.
   * @param fnArgs - Its arguments. At most 1,000,000 bytes.
   * @param options - When to run, what to do afterwards.
   * @returns The id of the work.
   * @throws as {@link enqueueAction} does.
   */
  async enqueueMutation<Args extends DefaultFunctionArgs, Context, ReturnType>(
    ctx: MutationCtx | ActionCtx,
    fn: FunctionReference<
      "mutation",
      FunctionVisibility,
      Args,
      NoInfer<ReturnType>
    >,
    fnArgs: Args,
    options?: EnqueueOptions<Context, ReturnType>,
  ): Promise<WorkId> {
    checkEnqueueOptions("enqueueMutation", "mutation", options, this.options);
    return await enqueueChecked(
      this.component,
      ctx,
      "mutation",
      fn,
      fnArgs,
      directOptions(this.options, options),
    );
  }

  /**
   * Enqueues a mutation once for each element of `argsArray`, as independent
   * works: much cheaper than one call for each.
   *
   * In a mutation they are enqueued together or not at all. In an action, only
   * those of one call are: it takes at most 1,000 works and about 8 MB.
   *
   * @param ctx - The context of a mutation or an action.
   * @param fn - The mutation, or a handle of one.
   * @param argsArray - The arguments of each work. At most 1,000,000 bytes each.
   * @param options - As for {@link enqueueMutation}; they apply to each work.
   * @returns The ids of the works, in the order of `argsArray`.
   * @throws as {@link enqueueAction} does, before any work is enqueued.
   */
  async enqueueMutationBatch<
    Args extends DefaultFunctionArgs,
    Context,
    ReturnType,
  >(
    ctx: MutationCtx | ActionCtx,
    fn: FunctionReference<
      "mutation",
      FunctionVisibility,
      Args,
      NoInfer<ReturnType>
    >,
    argsArray: Array<Args>,
    options?: EnqueueOptions<Context, ReturnType>,
  ): Promise<WorkId[]> {
    checkEnqueueOptions(
      "enqueueMutationBatch",
      "mutation",
      options,
      this.options,
    );
    return await enqueueBatchChecked(
      this.component,
      ctx,
      "mutation",
      fn,
      argsArray,
      directOptions(this.options, options),
    );
  }

  /**
   * Enqueues a query. Its value goes to `onComplete` and, with `statusTtl`, to
   * {@link get}. It sees everything committed before it began, and whoever
   * writes what it reads does not conflict with it.
   *
   * @param ctx - The context of a mutation or an action.
   * @param fn - The query, like `internal.reports.totals`, or a handle of one.
   * @param fnArgs - Its arguments. At most 1,000,000 bytes.
   * @param options - When to run, what to do afterwards.
   * @returns The id of the work.
   * @throws as {@link enqueueAction} does.
   */
  async enqueueQuery<Args extends DefaultFunctionArgs, Context, ReturnType>(
    ctx: MutationCtx | ActionCtx,
    fn: FunctionReference<
      "query",
      FunctionVisibility,
      Args,
      NoInfer<ReturnType>
    >,
    fnArgs: Args,
    options?: EnqueueOptions<Context, ReturnType>,
  ): Promise<WorkId> {
    checkEnqueueOptions("enqueueQuery", "query", options, this.options);
    return await enqueueChecked(
      this.component,
      ctx,
      "query",
      fn,
      fnArgs,
      directOptions(this.options, options),
    );
  }

  /**
   * Enqueues a query once for each element of `argsArray`, as independent
   * works: much cheaper than one call for each.
   *
   * In a mutation they are enqueued together or not at all. In an action, only
   * those of one call are: it takes at most 1,000 works and about 8 MB.
   *
   * @param ctx - The context of a mutation or an action.
   * @param fn - The query, or a handle of one.
   * @param argsArray - The arguments of each work. At most 1,000,000 bytes each.
   * @param options - As for {@link enqueueQuery}; they apply to each work.
   * @returns The ids of the works, in the order of `argsArray`.
   * @throws as {@link enqueueAction} does, before any work is enqueued.
   */
  async enqueueQueryBatch<
    Args extends DefaultFunctionArgs,
    Context,
    ReturnType,
  >(
    ctx: MutationCtx | ActionCtx,
    fn: FunctionReference<
      "query",
      FunctionVisibility,
      Args,
      NoInfer<ReturnType>
    >,
    argsArray: Array<Args>,
    options?: EnqueueOptions<Context, ReturnType>,
  ): Promise<WorkId[]> {
    checkEnqueueOptions("enqueueQueryBatch", "query", options, this.options);
    return await enqueueBatchChecked(
      this.component,
      ctx,
      "query",
      fn,
      argsArray,
      directOptions(this.options, options),
    );
  }

  /**
   * Cancels a work. If it waits, it ends as "canceled". If it runs, it may
   * finish, but is not retried. If it has ended, or never was, nothing happens.
   *
   * @param ctx - The context of a mutation or an action.
   * @param id - The id of the work.
   */
  async cancel(ctx: MutationCtx | ActionCtx, id: WorkId): Promise<void> {
    checkWritable(ctx);
    await ctx.runMutation(this.component.lib.cancel, { id });
  }

  /**
   * Cancels all works enqueued so far, latest first: see {@link cancel}. Large
   * pools are canceled page by page, in transactions that follow this one.
   *
   * @param ctx - The context of a mutation or an action.
   * @param options.limit - Works per page, at most: an integer from 1 to 1,000.
   *   Default: 100. A page is shorter where works are large: the first one, which
   *   is part of this transaction, reads and writes about 2 MB, or nothing where
   *   that much was used before.
   */
  async cancelAll(
    ctx: MutationCtx | ActionCtx,
    options?: { limit?: number },
  ): Promise<void> {
    checkCancelAllOptions(options);
    const limit = options?.limit;
    if (limit !== undefined) {
      checkCancelLimit(limit);
    }
    checkWritable(ctx);
    await ctx.runMutation(this.component.lib.cancelAll, {
      ...(limit !== undefined && { limit }),
    });
  }

  /**
   * The state of a work. In a query, whoever subscribes to it is told of every
   * change. It is cheap: two rows are read at most, and they change with the state
   * of this work and its neighbours in the queue alone.
   *
   * @param ctx - Any context.
   * @param id - The id of the work.
   * @returns `{ state: "pending" | "running", previousAttempts }`, or
   *   `{ state: "finished" }` for one that has ended and for one that never was.
   *   "running" means that a worker was given it: it runs, or is about to, so that more
   *   works may be "running" than `maxParallelism`. {@link get} tells what was given to a
   *   worker from what has begun, and what has ended from what never was.
   */
  async status(
    ctx: QueryCtx | MutationCtx | ActionCtx,
    id: WorkId,
  ): Promise<Status> {
    return await ctx.runQuery(this.component.lib.status, { id });
  }

  /**
   * The states of many works: see {@link status}.
   *
   * @param ctx - Any context.
   * @param ids - Their ids, at most 2,000.
   * @returns Their states, in the order of `ids`.
   */
  async statusBatch(
    ctx: QueryCtx | MutationCtx | ActionCtx,
    ids: WorkId[],
  ): Promise<Status[]> {
    checkStatusBatch(ids);
    return await ctx.runQuery(this.component.lib.statusBatch, { ids });
  }

  /**
   * All that is known about a work: state, attempts, times, the last error, and
   * once it has ended its outcome, for as long as `statusTtl` says.
   *
   * The states are
   * - "pending": in the queue. A `dueAt` in the future: it is scheduled; in the past: it
   *   waits for its turn.
   * - "claimed": given to a worker, which has not begun it.
   * - "running": its handler has begun, as far as the last report of its worker
   *   tells. No more works are shown as running than `maxParallelism`, unless that was
   *   lowered just now: what began before runs on. A work whose worker was lost stays so until
   *   that is noticed, within 15 seconds.
   * - "finished": it has ended; `result` is its outcome.
   *
   * Of a work that waits or has ended, it reads two rows or three. To tell claimed from
   * running it reads what the workers have reported: at most 20 workers and as many
   * claims as `maxParallelism`. So a subscription to such a work runs again with the
   * reports of the workers, several times a second in a busy pool, and a mutation that
   * asks for one conflicts with these reports; {@link status} does neither.
   *
   * @param ctx - Any context.
   * @param id - The id of the work.
   * @returns Null if there never was such a work, or if it has ended and its
   *   outcome is not kept, or no longer.
   */
  async get(
    ctx: QueryCtx | MutationCtx | ActionCtx,
    id: WorkId,
  ): Promise<WorkInfo | null> {
    return (await ctx.runQuery(this.component.lib.get, {
      id,
    })) as WorkInfo | null;
  }

  /**
   * How the pool is doing: the state of its loop, what waits and for how long, what
   * runs and where, and what is wrong with it, in words. Show it to administrators, since
   * it quotes errors of callbacks, or call it from a cron job that raises an alarm. It reads
   * a page of the queue, so a subscription to it runs again with every work that comes
   * and goes.
   *
   * @param ctx - Any context.
   * @returns `problems` has what somebody should mend, each with what to do, and is
   *   empty in a healthy pool. `facts` has what is worth knowing and is not wrong: a pause,
   *   settings overridden at run time, a limit beyond what the deployment has room for, works that the
   *   platform refused to start. `limitInEffect` is how many works may run at once, and
   *   `transactionLimitInEffect` how many of them mutations and queries. `running` works have begun, `claimed` ones were given to
   *   a worker and have not; `inFlight` is both. Times are in milliseconds since the
   *   epoch; counts stop at a page and then say `isAtLeast`.
   */
  async health(ctx: QueryCtx | MutationCtx | ActionCtx): Promise<PoolHealth> {
    return await ctx.runQuery(this.component.pool.health, {});
  }

  /**
   * For a pool that seems stuck: its loop looks after lost executors and waiting works at
   * once, and starts anew. A pool looks after itself within fifteen seconds, so this should
   * never be needed; it harms none that works.
   *
   * It also has all `onComplete` callbacks that are owed tried at once, those included that
   * have failed and wait for their next try: call it when you have mended one. Each is tried
   * once, in transactions that follow this one. Those that were given up are not.
   *
   * @param ctx - A mutation's or an action's context.
   * @throws When the tick cannot be scheduled, because the scheduled function that
   *   makes this call was canceled.
   */
  async kick(ctx: MutationCtx | ActionCtx): Promise<void> {
    checkWritable(ctx);
    await ctx.runMutation(this.component.pool.kick, {});
  }

  /**
   * Puts the options of this object into force at once: `maxParallelism` and `logLevel`.
   * Otherwise they reach the pool with the next enqueue, and not within a minute of another
   * change. Call it after a deploy that changes them, for example with
   * `npx convex run pool:configure` of a mutation that calls it.
   *
   * An option that this object does not have stays as it was declared before. What
   * `components.workpool.config.update` has set at run time stays in force: see
   * `components.workpool.config.get`. Where two objects declared different options, this settles it.
   *
   * @param ctx - A mutation's or an action's context.
   * @throws when an option is out of its range, naming the option, the value and the range.
   */
  async configure(ctx: MutationCtx | ActionCtx): Promise<void> {
    const declared = declaration(this.options);
    checkWritable(ctx);
    await ctx.runMutation(this.component.config.declare, declared);
  }

  /**
   * Defines a mutation that is to run when a work has ended.
   *
   * ```ts
   * export const recordOutcome = pool.defineOnComplete<DataModel>({
   *   context: v.object({ orderId: v.id("orders") }),
   *   handler: async (ctx, { context, result }) => {
   *     await ctx.db.patch("orders", context.orderId, { outcome: result.kind });
   *   },
   * });
   *
   * await pool.enqueueAction(ctx, internal.orders.ship, { orderId }, {
   *   onComplete: internal.orders.recordOutcome,
   *   context: { orderId },
   * });
   * ```
   *
   * @param definition.context - Validates the context. Default: any value.
   * @param definition.returnValue - Validates what the function returned. Default: any value.
   * @param definition.handler - Is called once, in the transaction that records
   *   the outcome where possible.
   * @throws when the definition has no handler, or something else.
   */
  defineOnComplete<
    DataModel extends GenericDataModel,
    VContext extends Validator<any, any, any> = VAny<any, "optional">,
    VReturnValue extends Validator<any, any, any> = VAny<any, "optional">,
  >(definition: {
    context?: VContext;
    handler: (
      ctx: GenericMutationCtx<DataModel>,
      args: {
        workId: WorkId;
        context: Infer<VContext>;
        result: RunResult<Infer<VReturnValue>>;
      },
    ) => Promise<void>;
    returnValue?: VReturnValue;
  }): RegisteredMutation<
    "internal",
    OnCompleteArgs<Infer<VContext>, Infer<VReturnValue>>,
    null
  > {
    checkOnCompleteDefinition(definition);
    const { context, handler, returnValue } = definition;
    return internalMutationGeneric({
      args: vOnCompleteArgs(context, returnValue),
      handler,
    });
  }
}

/** What the pool says and what an enqueue says, together. */
function directOptions<Context, ReturnValue>(
  {
    maxParallelism,
    logLevel,
    statusTtl,
    timeoutMs,
    onTimeout,
  }: WorkpoolOptions,
  options: EnqueueOptions<Context, ReturnValue> | undefined,
): DirectEnqueueOptions<Context, ReturnValue> {
  return {
    ...(options ?? {}),
    maxParallelism,
    logLevel,
    statusTtl: combineStatusTtl(statusTtl, options?.statusTtl),
    timeoutMs: options?.timeoutMs === undefined ? timeoutMs : options.timeoutMs,
    onTimeout: options?.onTimeout === undefined ? onTimeout : options.onTimeout,
  };
}

function actionOptions<Context, ReturnValue>(
  pool: WorkpoolOptions,
  options: (RetryOption & EnqueueOptions<Context, ReturnValue>) | undefined,
): DirectEnqueueOptions<Context, ReturnValue> {
  const retryBehavior = resolveRetry(pool, options?.retry);
  if (retryBehavior !== undefined) {
    // Here and not only later, because here the option is called "retry".
    checkRetryBehavior(
      retryBehavior,
      isOwn(options?.retry) ? "retry" : "defaultRetryBehavior",
    );
  }
  return { ...directOptions(pool, options), retryBehavior };
}

/** Whether this is a behaviour, however odd, and not a choice of the pool's. */
function isOwn(retry: unknown): boolean {
  return retry != null && typeof retry !== "boolean";
}

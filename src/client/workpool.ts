import {
  type DefaultFunctionArgs,
  type FunctionReference,
  type FunctionType,
  type FunctionVisibility,
  type GenericDataModel,
  type GenericMutationCtx,
  internalMutationGeneric,
  type RegisteredAction,
  type RegisteredMutation,
} from "convex/server";
import type {
  Infer,
  ObjectType,
  PropertyValidators,
  Validator,
  VAny,
} from "convex/values";
import type { RunResult, Status } from "../component/shared.js";
import { checkListOptions } from "../component/observe/workList.js";
import {
  checkCancelLimit,
  checkFailError,
  checkResult,
  checkStatusBatch,
} from "../component/validate.js";
import { checkRetryBehavior } from "../component/validateTime.js";
import { checkFilter } from "../component/work/filter.js";
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
  enqueueChecked,
} from "./enqueue.js";
import { type Attempt, attachTo } from "./attempt.js";
import { enqueueBatchChecked, type OptionsOfItem } from "./batch.js";
import { type ActionDefinition, define } from "./defineAction.js";
import type { ThisWork, WithLate } from "./late.js";
import { continueAttempt, suspendAttempt } from "./next.js";
import {
  enqueueUniqueChecked,
  type UniqueEnqueued,
  type UniqueOptions,
} from "./unique.js";
import {
  checkCancelAllOptions,
  checkEnqueueOptions,
  checkOnCompleteDefinition,
  checkPoolOptions,
} from "./optionNames.js";
import {
  checkByFilter,
  checkCancelOptions,
  checkChange,
  checkRoundOptions,
} from "./afterwards.js";
import {
  combineStatusTtl,
  type EnqueueOptions,
  resolveRetry,
  type RetryOption,
  type WorkpoolOptions,
} from "./options.js";
import type {
  CallbackFilter,
  CancelFilter,
  CancelResult,
  ConcludeAnswer,
  Done,
  ForgetFilter,
  ListOptions,
  RetryFilter,
  RetryRoundOptions,
  RunningOperation,
  UpdateAnswer,
  WorkChange,
  WorkCounts,
  WorkPage,
} from "./afterwards.js";
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
    fnArgs: NoInfer<Args | WithLate<Args>>,
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
   * @param options - As for {@link enqueueAction}; they apply to each work. Or a function
   *   `(args, index) => options` that says those of each.
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
    argsArray: Array<NoInfer<Args | WithLate<Args>>>,
    options?: OrOfItem<Args, RetryOption & EnqueueOptions<Context, ReturnType>>,
  ): Promise<WorkId[]> {
    const combined = (
      own: (RetryOption & EnqueueOptions<any, any>) | undefined,
    ) => {
      checkEnqueueOptions("enqueueActionBatch", "action", own, this.options);
      return actionOptions(this.options, own);
    };
    return await enqueueBatchChecked(
      this.component,
      ctx,
      "action",
      fn,
      argsArray,
      ...batchOptions(options, combined),
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
    fnArgs: NoInfer<Args | WithLate<Args>>,
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
   * @param options - As for {@link enqueueMutation}; they apply to each work. Or a function
   *   `(args, index) => options` that says those of each.
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
    argsArray: Array<NoInfer<Args | WithLate<Args>>>,
    options?: OrOfItem<Args, EnqueueOptions<Context, ReturnType>>,
  ): Promise<WorkId[]> {
    const combined = (own: EnqueueOptions<any, any> | undefined) => {
      checkEnqueueOptions(
        "enqueueMutationBatch",
        "mutation",
        own,
        this.options,
      );
      return directOptions(this.options, own);
    };
    return await enqueueBatchChecked(
      this.component,
      ctx,
      "mutation",
      fn,
      argsArray,
      ...batchOptions(options, combined),
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
    fnArgs: NoInfer<Args | WithLate<Args>>,
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
   * @param options - As for {@link enqueueQuery}; they apply to each work. Or a function
   *   `(args, index) => options` that says those of each.
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
    argsArray: Array<NoInfer<Args | WithLate<Args>>>,
    options?: OrOfItem<Args, EnqueueOptions<Context, ReturnType>>,
  ): Promise<WorkId[]> {
    const combined = (own: EnqueueOptions<any, any> | undefined) => {
      checkEnqueueOptions("enqueueQueryBatch", "query", own, this.options);
      return directOptions(this.options, own);
    };
    return await enqueueBatchChecked(
      this.component,
      ctx,
      "query",
      fn,
      argsArray,
      ...batchOptions(options, combined),
    );
  }

  /**
   * Enqueues an action, unless a work holds its key already.
   *
   * ```ts
   * const { id, isNew } = await pool.enqueueUniqueAction(
   *   ctx,
   *   internal.search.reindex,
   *   { documentId },
   *   { unique: { key: `reindex ${documentId}`, scope: "active", onDuplicate: "runAgain" } },
   * );
   * ```
   *
   * Of two calls with one key at the same time, one enqueues the work and the other finds it. Beyond
   * an enqueue it costs two documents for each work, and reads a row, or two rows and a queue entry
   * where the key was used before.
   *
   * @param ctx - The context of a mutation or an action.
   * @param fn - The action, like `internal.search.reindex`, or a handle of one.
   * @param fnArgs - Its arguments. At most 1,000,000 bytes.
   * @param options - As for {@link enqueueAction}, and `unique`: see {@link UniqueOptions}.
   * @returns `id` of the work that holds the key; `isNew`, whether it was enqueued by this call;
   *   `replaced`, whether it waited and became what this call describes.
   * @throws as {@link enqueueAction} does.
   */
  async enqueueUniqueAction<
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
    fnArgs: NoInfer<Args | WithLate<Args>>,
    options: RetryOption &
      EnqueueOptions<Context, ReturnType> & { unique: UniqueOptions },
  ): Promise<UniqueEnqueued> {
    checkUniqueOptions("enqueueUniqueAction", "action", options, this.options);
    const { unique, ...own } = options;
    return await enqueueUniqueChecked(
      this.component,
      ctx,
      "action",
      fn,
      fnArgs,
      actionOptions(this.options, own as EnqueueOptions<any, any>),
      unique,
    );
  }

  /** As {@link enqueueUniqueAction}, for a mutation: see {@link enqueueMutation}. */
  async enqueueUniqueMutation<
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
    fnArgs: NoInfer<Args | WithLate<Args>>,
    options: EnqueueOptions<Context, ReturnType> & { unique: UniqueOptions },
  ): Promise<UniqueEnqueued> {
    checkUniqueOptions(
      "enqueueUniqueMutation",
      "mutation",
      options,
      this.options,
    );
    const { unique, ...own } = options;
    return await enqueueUniqueChecked(
      this.component,
      ctx,
      "mutation",
      fn,
      fnArgs,
      directOptions(this.options, own as EnqueueOptions<any, any>),
      unique,
    );
  }

  /** As {@link enqueueUniqueAction}, for a query: see {@link enqueueQuery}. */
  async enqueueUniqueQuery<
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
    fnArgs: NoInfer<Args | WithLate<Args>>,
    options: EnqueueOptions<Context, ReturnType> & { unique: UniqueOptions },
  ): Promise<UniqueEnqueued> {
    checkUniqueOptions("enqueueUniqueQuery", "query", options, this.options);
    const { unique, ...own } = options;
    return await enqueueUniqueChecked(
      this.component,
      ctx,
      "query",
      fn,
      fnArgs,
      directOptions(this.options, own as EnqueueOptions<any, any>),
      unique,
    );
  }

  /**
   * Cancels a work. If it waits, it ends as "canceled". If it runs, it may
   * finish, but is not retried. If it has ended, or never was, nothing happens.
   *
   * @param ctx - The context of a mutation or an action.
   * @param id - The id of the work.
   * @param options.running - "abandon": a work that a worker has ends now as well, as
   *   canceled with the `reason` "abandoned", callback included. What its handler still does
   *   or returns changes nothing, and its slot stays taken until the handler ends. Default: it may finish.
   * @returns "canceled": it has ended as canceled. "signaled": a worker has it; it may
   *   finish, and is not retried. "ended": it had ended before, and its outcome is kept. "unknown":
   *   there never was such a work, or it has ended and its outcome is not kept.
   */
  async cancel(
    ctx: MutationCtx | ActionCtx,
    id: WorkId,
    options?: { running?: "abandon" },
  ): Promise<CancelResult> {
    checkCancelOptions(options);
    checkWritable(ctx);
    const running = options?.running;
    return (await ctx.runMutation(this.component.lib.cancel, {
      id,
      ...(running !== undefined && { running }),
    })) as CancelResult;
  }

  /**
   * Cancels the works that have not ended and that the filter finds, latest first: see
   * {@link cancel}. It goes on page by page, in transactions that follow this one, and
   * stops a {@link retry} by filter that may concern the same works.
   *
   * @param ctx - The context of a mutation or an action.
   * @param filter.fnName - Works of this function: its name in {@link get}. Default: all.
   * @param filter.tag - Works with this tag. Default: all.
   * @param filter.before - Works enqueued before this time, in milliseconds since 1970. Default: now.
   * @param filter.after - Works enqueued after this time.
   * @returns How many works were canceled so far; `isDone` is false if it goes on.
   * @throws when a field of the filter does not exist, or is none that it may be.
   */
  async cancelMany(
    ctx: MutationCtx | ActionCtx,
    filter: CancelFilter,
  ): Promise<Done> {
    checkFilter("cancelMany", filter);
    checkWritable(ctx);
    return await ctx.runMutation(this.component.works.cancelMany, { filter });
  }

  /**
   * Cancels all works enqueued so far, latest first: see {@link cancel}. Large
   * pools are canceled page by page, in transactions that follow this one. A
   * {@link retry} by filter that goes on is stopped.
   *
   * @param ctx - The context of a mutation or an action.
   * @param options.limit - Works per page, at most: an integer from 1 to 1,000.
   *   Default: 100. A page is shorter where works are large: the first one, which
   *   is part of this transaction, reads and writes about 2 MB, or nothing where
   *   that much was used before, or where a retry is stopped.
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
   * Inside an `onComplete` it returns the outcome already, if that is kept.
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
   * Works of the pool, a page at a time, newest first: works that have not ended in the
   * order in which they were enqueued, works that have ended in the order in which they
   * ended. Without `state` and `callback`, both; a work that ends moves to the front. With the state
   * "claimed" or "running": worker by worker, what a worker was given last comes first.
   *
   * A page has at most 50 works and reads at most 120 documents. So it may be short, or
   * empty, although `isDone` is false: of works in other states, or of other functions, it looks at
   * 50 at most, and the next page goes on behind them.
   *
   * @param ctx - Any context.
   * @param options.state - "scheduled" (it waits for its time), "waiting" (it is due, and
   *   waits for its turn), "retrying" (it waits after a failed attempt), "claimed" (given
   *   to a worker), "running" (begun), "suspended", "success", "failed" or "canceled". Outcomes are
   *   listed as long as they are kept: see `statusTtl`.
   * @param options.fnName - Works of this function.
   * @param options.tag - Works with this tag, whether they have ended or not, in the order in which they
   *   were enqueued: `before` and `after` bound that time, and a page has at most 30 of them.
   * @param options.callback - "owed" or "failed" (given up): works that have ended, and
   *   whose `onComplete` has not run. Not together with `state`.
   * @param options.before - Only what comes before this time, in milliseconds since 1970:
   *   when a work was enqueued; of one that has ended, when it ended.
   * @param options.after - Likewise, after this time.
   * @param options.paginationOpts - As for `.paginate()`, and as `usePaginatedQuery` passes
   *   them: `{ numItems, cursor }`, and `endCursor` to read up to the end of an earlier page.
   * @returns As `.paginate()` does. The state "running" is told of those works of a page only that
   *   can be told within its bound; others that a worker has are "claimed".
   * @throws when an option does not exist, or is none that it may be.
   */
  async list(
    ctx: QueryCtx | MutationCtx | ActionCtx,
    options: ListOptions,
  ): Promise<WorkPage> {
    checkListOptions(options);
    const { paginationOpts, ...filter } = options;
    const { numItems, cursor, endCursor = null } = paginationOpts;
    return (await ctx.runQuery(this.component.works.list, {
      ...filter,
      paginationOpts: { numItems, cursor, endCursor },
    })) as WorkPage;
  }

  /**
   * How many works are in which state, and of which function. It looks at a page of each kind,
   * and says `isAtLeast` where there may be more. Works that wait for another attempt count as
   * "scheduled", or once they are due as "waiting".
   *
   * @param ctx - Any context.
   * @returns `states`, `callbacks` (owed, and given up), and `functions`: those of the latest
   *   works that have not ended and that have failed, those with the most first.
   */
  async counts(ctx: QueryCtx | MutationCtx | ActionCtx): Promise<WorkCounts> {
    return await ctx.runQuery(this.component.works.counts, {});
  }

  /**
   * Tries works again that have failed: another round of the same work, under the same
   * id, with its arguments, its options and its `onComplete`, which runs once for each round. The
   * work goes back to the queue, and its outcome is gone until it has ended again; its history stays.
   * A work can be tried again as long as its outcome is kept (7 days, unless `statusTtl.failed` says
   * otherwise). Works that have not failed, and those whose callback is still owed, are skipped.
   *
   * ```ts
   * await pool.retry(ctx, workId);
   * await pool.retry(ctx, { filter: { fnName: "emails:send" }, spreadMs: 10 * 60_000 });
   * ```
   *
   * By filter, it goes on page by page (100 works at most) in transactions that follow this
   * one, and concerns the works that have failed by now. {@link cancelMany} and {@link cancelAll} stop it.
   *
   * @param ctx - The context of a mutation or an action.
   * @param which - The id of a work; or `filter`, with `fnName`, `tag`, `before` and `after` (when it
   *   failed, in milliseconds since 1970, exclusive) and `reason`, any of them, together with the options.
   * @param options.delayMs - How long the works wait, in milliseconds: 0 to two years. Default: 0.
   * @param options.spreadMs - They begin at random times within so many milliseconds more. Default: 0.
   * @param options.resetAttempts - False: the attempts made so far count, so that a work
   *   has one more. Default: true, attempts begin anew.
   * @returns How many works are tried again (`matched`) and were left alone (`skipped`; `why`
   *   tells of the first) so far; `isDone` is false if it goes on: see {@link operations}.
   * @throws when an option does not exist, or is out of its range.
   */
  async retry(
    ctx: MutationCtx | ActionCtx,
    which: WorkId | ({ filter: RetryFilter } & RetryRoundOptions),
    options?: RetryRoundOptions,
  ): Promise<Done> {
    const { works } = this.component;
    if (typeof which === "string") {
      const own = checkRoundOptions(options);
      checkWritable(ctx);
      return await ctx.runMutation(works.retry, { id: which, ...own });
    }
    checkByFilter("retry", which, options);
    const { filter, ...rest } = which;
    const own = checkRoundOptions(rest);
    checkWritable(ctx);
    return await ctx.runMutation(works.retryMany, { filter, ...own });
  }

  /**
   * Has `onComplete` callbacks tried that have not run: those that are owed at once, those
   * that were given up with a fresh set of tries over half an hour. Call it when you have
   * mended one. By filter, it goes on page by page in transactions that follow this one.
   *
   * @param ctx - The context of a mutation or an action.
   * @param which - The id of a work, or `filter`, with `fnName`, `tag`, `before` and `after` (when the work ended).
   * @returns As {@link retry} does.
   * @throws when a field of the filter does not exist, or is none that it may be.
   */
  async retryCallbacks(
    ctx: MutationCtx | ActionCtx,
    which: WorkId | { filter: CallbackFilter },
  ): Promise<Done> {
    const { works } = this.component;
    if (typeof which !== "string") checkByFilter("retryCallbacks", which);
    checkWritable(ctx);
    return typeof which === "string"
      ? await ctx.runMutation(works.retryCallback, { id: which })
      : await ctx.runMutation(works.retryCallbacks, which);
  }

  /**
   * Removes outcomes before their time, with all that is kept with them: arguments, context, result,
   * errors and history. Works that have not ended, and those whose callback is still owed,
   * are skipped. By filter, it goes on page by page in transactions that follow this one.
   *
   * What the function names and ids of works say, and what the pool has logged, is not removed.
   *
   * @param ctx - The context of a mutation or an action.
   * @param which - The id of a work; or `filter`, with `state` ("success", "failed" or "canceled"),
   *   `fnName`, `tag`, `before` and `after` (when it ended) and `reason`, any of them.
   * @returns As {@link retry} does.
   * @throws when a field of the filter does not exist, or is none that it may be.
   */
  async forget(
    ctx: MutationCtx | ActionCtx,
    which: WorkId | { filter: ForgetFilter },
  ): Promise<Done> {
    const { works } = this.component;
    if (typeof which !== "string") checkByFilter("forget", which);
    checkWritable(ctx);
    return typeof which === "string"
      ? await ctx.runMutation(works.forget, { id: which })
      : await ctx.runMutation(works.forgetMany, which);
  }

  /**
   * The calls of {@link retry}, {@link retryCallbacks} and {@link forget} by filter that go
   * on, with what they have done so far.
   *
   * @param ctx - Any context.
   */
  async operations(
    ctx: QueryCtx | MutationCtx | ActionCtx,
  ): Promise<RunningOperation[]> {
    return await ctx.runQuery(this.component.works.operations, {});
  }

  /**
   * Changes when a work that waits is due: postpones it, or has it run now. A work that waits for
   * another attempt may be told so, too.
   *
   * @param ctx - The context of a mutation or an action.
   * @param id - The id of the work.
   * @param change - `runAt` or `runAfter`, as when it was enqueued.
   * @returns "updated"; "running": a worker has it, and nothing changed; "ended": it has
   *   ended, and its outcome is kept; "unknown": there never was such a work, or it has ended and
   *   its outcome is not kept.
   * @throws when there is neither or both, or the time is out of its range.
   */
  async update(
    ctx: MutationCtx | ActionCtx,
    id: WorkId,
    change: WorkChange,
  ): Promise<UpdateAnswer> {
    const runAt = checkChange(change, Date.now());
    checkWritable(ctx);
    return await ctx.runMutation(this.component.works.update, { id, runAt });
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
   * Attaches an action to the attempt that it is: it hears when that is over before its time, and
   * can say how far it is. An action defined with {@link defineAction} is attached already.
   *
   * ```ts
   * export const summarize = internalAction({
   *   args: { url: v.string(), work: vThisWork },
   *   handler: async (ctx, { url, work }) =>
   *     await pool.attach(ctx, work, async (attempt) => {
   *       await fetch(url, { signal: attempt.signal });
   *     }),
   * });
   * ```
   *
   * It calls nothing at first, and once in 10 seconds of which the attempt says nothing itself.
   *
   * @param ctx - The context of the action.
   * @param work - The argument that was enqueued as {@link thisWork}.
   * @param body - What the action does. When it has ended, the attempt is detached: no timer is left,
   *   and `heartbeat` does nothing any more.
   * @returns what `body` returns.
   * @throws what `body` throws, and when `work` is something else.
   */
  async attach<Result>(
    ctx: ActionCtx,
    work: ThisWork,
    body: (attempt: Attempt) => Promise<Result> | Result,
  ): Promise<Result> {
    return await attachTo(this.component, ctx, work, body);
  }

  /**
   * Has the work go on with other arguments when this attempt has succeeded: for work that takes
   * longer than an action may. The same work is enqueued again, at once and with all its attempts;
   * `onComplete` runs after the last of these hops.
   *
   * ```ts
   * export const importPages = pool.defineAction({
   *   args: { page: v.number() },
   *   handler: async (ctx, { page }, { work }): Promise<void> => {
   *     const isLast = await importPage(page);
   *     if (!isLast) await pool.continueWith(ctx, work, { page: page + 1 });
   *   },
   * });
   * ```
   *
   * It takes effect with the success of the attempt: one that fails is retried with its own arguments, and may say
   * anew how the work goes on. What a handler returns that has called this is dropped. Called
   * again in one attempt, the last call holds. `expireAt` and `maxElapsedMs` count from the enqueue, across all hops. A
   * work that is canceled does not go on.
   *
   * @param ctx - The context of the action.
   * @param work - The argument that was enqueued as {@link thisWork}, or `attempt.work`.
   * @param args - The arguments of the next hop, at most 1,000,000 bytes. Those that were enqueued as
   *   {@link thisWork} are filled in anew, and need not be given.
   * @throws an {@link AttemptAbortedError} when the work was canceled or the attempt does not count any more; a
   *   {@link NonRetryableError} after 10,000 hops; an error when the arguments are too large.
   */
  async continueWith(
    ctx: ActionCtx,
    work: ThisWork,
    args: DefaultFunctionArgs,
  ): Promise<void> {
    await continueAttempt(this.component, ctx, work, args);
  }

  /**
   * Has the work wait for somebody else to end it when this attempt has succeeded, without a slot: for what a
   * provider does and reports later. {@link complete} and {@link fail} end it; after `timeoutMs` it ends as failed,
   * with the `reason` "timedOut" and without a retry.
   *
   * ```ts
   * export const render = pool.defineAction({
   *   args: { script: v.string() },
   *   handler: async (ctx, { script }, { id, work }): Promise<void> => {
   *     await pool.suspend(ctx, work, { timeoutMs: 60 * 60_000 });
   *     await startRendering(script, { reference: id });
   *   },
   * });
   * ```
   *
   * It takes effect with the success of the attempt, whose result is dropped; one that fails is retried, and has suspended
   * nothing. An end that comes before the attempt has ended counts at once. Called again in one attempt, also as {@link continueWith}, the
   * last call holds. While it is suspended, {@link get} says "suspended", {@link status} "pending"; {@link cancel} ends it.
   *
   * @param ctx - The context of the action.
   * @param work - The argument that was enqueued as {@link thisWork}, or `attempt.work`.
   * @param options.timeoutMs - For how long, in milliseconds from this call: from 1,000 to four years.
   * @throws an {@link AttemptAbortedError} when the work was canceled or the attempt does not count any more; an error when
   *   `timeoutMs` is out of its range.
   */
  async suspend(
    ctx: ActionCtx,
    work: ThisWork,
    options: { timeoutMs: number },
  ): Promise<void> {
    await suspendAttempt(this.component, ctx, work, options);
  }

  /**
   * Ends a work as a success from outside, `onComplete` included: one that is suspended ({@link suspend}), and any other that has
   * not ended. Where its handler still runs, what that returns changes nothing, and its slot stays taken until it ends.
   *
   * Ids of works are no secrets: decide who may call this.
   *
   * @param ctx - The context of a mutation or an action, like an HTTP action's.
   * @param id - The id of the work.
   * @param result - What the work returns: any Convex value of at most 1,000,000 bytes. Default: null.
   * @returns "completed": it has ended with this. "ended": it had ended before, and its outcome is kept. "unknown": there
   *   never was such a work, or it has ended and its outcome is not kept.
   * @throws when the result is too large or nested too deeply.
   */
  async complete(
    ctx: MutationCtx | ActionCtx,
    id: WorkId,
    result: unknown = null,
  ): Promise<ConcludeAnswer> {
    checkWritable(ctx);
    checkResult(result);
    return await ctx.runMutation(this.component.works.complete, { id, result });
  }

  /**
   * As {@link complete}, and the work ends as failed. It is not retried.
   *
   * @param error - What its outcome tells: a string of 1 to 10,000 characters.
   * @throws when `error` is something else.
   */
  async fail(
    ctx: MutationCtx | ActionCtx,
    id: WorkId,
    error: string,
  ): Promise<ConcludeAnswer> {
    checkWritable(ctx);
    checkFailError(error);
    return await ctx.runMutation(this.component.works.fail, { id, error });
  }

  /**
   * Defines an action of this pool that knows which attempt it is, and is attached to it: see {@link attach}.
   *
   * ```ts
   * export const summarize = pool.defineAction({
   *   args: { pages: v.array(v.string()) },
   *   handler: async (ctx, { pages }, attempt): Promise<void> => {
   *     for (const [i, page] of pages.entries()) {
   *       await attempt.heartbeat({ progress: i / pages.length, step: page });
   *       await fetch(page, { signal: attempt.signal });
   *     }
   *   },
   * });
   *
   * await pool.enqueueAction(ctx, internal.docs.summarize, { pages, work: thisWork });
   * ```
   *
   * It has one more argument, `work`, which callers give as {@link thisWork}.
   *
   * @param definition - See {@link ActionDefinition}. Say what the handler returns, as above: where
   *   it mentions `internal`, TypeScript would otherwise go in a circle.
   * @returns an internal action, to be exported.
   * @throws when the definition has no handler, something else, or an argument called "work".
   */
  defineAction<Args extends PropertyValidators, Result>(
    definition: ActionDefinition<Args, Result>,
  ): RegisteredAction<
    "internal",
    ObjectType<Args> & { work: ThisWork },
    Promise<Result>
  > {
    return define(this.component, this.options.use, definition);
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
    onFailed,
  }: WorkpoolOptions,
  options: EnqueueOptions<Context, ReturnValue> | undefined,
): DirectEnqueueOptions<Context, ReturnValue> {
  return {
    ...(options ?? {}),
    maxParallelism,
    logLevel,
    onFailed,
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

/** The options of each work of a batch: the same for all, or of each. */
type OrOfItem<Args, Options> =
  Options | ((args: NoInfer<Args | WithLate<Args>>, index: number) => Options);

/** Those of the call, and those of each work where they differ. */
function batchOptions<Options>(
  options: OrOfItem<any, Options> | undefined,
  combined: (own: Options | undefined) => DirectEnqueueOptions<any, any>,
): [DirectEnqueueOptions<any, any>, OptionsOfItem?] {
  if (typeof options !== "function") return [combined(options)];
  const ofItem = options as (args: any, index: number) => Options;
  return [combined(undefined), (args, index) => combined(ofItem(args, index))];
}

function checkUniqueOptions(
  method: string,
  fnType: FunctionType,
  options: EnqueueOptions<any, any> & { unique: UniqueOptions },
  pool: WorkpoolOptions,
): void {
  if (options?.unique === undefined) {
    throw new Error(
      `${method} needs unique: { key, scope }. Without a key, a work is enqueued with enqueue${method.slice("enqueueUnique".length)}.`,
    );
  }
  checkEnqueueOptions(method, fnType, options, pool, ["unique"]);
}

/** Whether this is a behaviour, however odd, and not a choice of the pool's. */
function isOwn(retry: unknown): boolean {
  return retry != null && typeof retry !== "boolean";
}

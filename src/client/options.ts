/** The options of a pool and of an enqueue, and how the two combine. */
import type { FunctionReference, FunctionVisibility } from "convex/server";
import type { LogLevel } from "../component/logging.js";
import {
  DEFAULT_RETRY_BEHAVIOR,
  type OnTimeout,
  type ResultKind,
  type RetryPolicy,
  type StatusTtlByKind,
} from "../component/shared.js";
import { resolveStatusTtl, type StatusTtl } from "../component/validate.js";
import type { Middleware } from "./middleware.js";
import type { OnCompleteArgs, OnFailedArgs } from "./types.js";

export type WorkpoolRetryOptions = {
  /**
   * How actions of this pool are retried, when they are: with growing waits
   * (`initialBackoffMs`, `base`) or with those of a list (`intervalsMs`).
   * Default: {@link DEFAULT_RETRY_BEHAVIOR}.
   *
   * This alone retries nothing: pass `retry: true` when enqueuing, or set
   * `retryActionsByDefault`.
   */
  defaultRetryBehavior?: RetryPolicy;
  /**
   * Whether actions are retried when they fail and `retry` does not say.
   * Default: false. Turn it on only if running an action twice does no harm.
   */
  retryActionsByDefault?: boolean;
};

export type WorkpoolOptions = {
  /**
   * How many functions of this pool may run at once: an integer from 0 to
   * 1,000, 0 pauses. Default: 10.
   *
   * No more run than the deployment has room for beside the app's own functions: on class
   * S16 (and self-hosted) 48 actions and 12 mutations and queries, on S256 448 and 224, on D1024
   * 896 and 448. `health` tells the limit in effect.
   *
   * The value reaches the pool with the next enqueue; a value set at run time,
   * with `ctx.runMutation(components.workpool.config.update, { maxParallelism })`,
   * stays in force until it is set to null.
   */
  maxParallelism?: number;
  /**
   * How much the pool logs, from "DEBUG" (everything) over "TRACE", "INFO"
   * (an event whenever a work is enqueued, starts or ends), "REPORT" (a summary
   * from time to time, warnings, errors) and "WARN" to "ERROR".
   *
   * Default: what the environment variable `WORKPOOL_LOG_LEVEL` says, else
   * "REPORT". Like `maxParallelism`, it can be changed at run time.
   */
  logLevel?: LogLevel;
  /**
   * How long outcomes stay readable with {@link Workpool.get}, in milliseconds:
   * one number of at least 0 for all, or by kind of outcome. Kinds not mentioned
   * keep their default: 7 days for "failed", 0 for "success" and "canceled".
   */
  statusTtl?: StatusTtl;
  /**
   * How long an attempt of a work of this pool may take, unless its enqueue says:
   * see {@link EnqueueOptions.timeoutMs}. Default: nothing is declared.
   */
  timeoutMs?: number;
  /** As {@link EnqueueOptions.onTimeout}, for works whose enqueue says nothing. Default: "hold". */
  onTimeout?: OnTimeout;
  /**
   * A mutation that is told once of each work of this pool that has ended as failed, for
   * example to report it to an error tracker. It is called with {@link OnFailedArgs}
   * (`vOnFailedArgs`), in a transaction of its own shortly after the end, whether or not the work has an
   * `onComplete`. If it throws it is tried again for half an hour. A work that fails again after
   * {@link Workpool.retry} is told of again. What works are told of was said when they
   * were enqueued. Default: nothing.
   */
  onFailed?: FunctionReference<
    "mutation",
    FunctionVisibility,
    OnFailedArgs
  > | null;
  /**
   * Runs around the handlers of actions that are defined with {@link Workpool.defineAction}, in each
   * attempt; the first outermost. Default: nothing.
   */
  use?: readonly Middleware[];
} & WorkpoolRetryOptions;

export type RetryOption = {
  /**
   * Whether the action is tried again when it fails. False: no. True: as the
   * pool's `defaultRetryBehavior` says. Or say how: see {@link RetryBehavior} and
   * {@link RetryIntervals}. Default: no, unless the pool has `retryActionsByDefault`.
   */
  retry?: boolean | RetryPolicy;
};

export type EnqueueOptions<Context = unknown, ReturnValue = unknown> = {
  /**
   * The function's name in logs and in {@link Workpool.get}: 1 to 1,000
   * characters. Default: like "foo/bar:baz" for `internal.foo.bar.baz`; the handle
   * for a function handle.
   */
  name?: string;
  /**
   * A mutation to run once when the work has ended, whichever way: see
   * {@link Workpool.defineOnComplete}. If it throws it is tried again, with
   * backoff; {@link Workpool.get} shows it as owed meanwhile.
   */
  onComplete?: FunctionReference<
    "mutation",
    FunctionVisibility,
    OnCompleteArgs<Context, ReturnValue>
  > | null;
  /**
   * Outcomes that `onComplete` is not run for. Default: none. Attempts that will
   * be retried are no outcomes.
   */
  onCompleteExcludeKinds?: readonly ResultKind[];
  /** Passed on to `onComplete`, and without effect where there is none. At most 1,000,000 bytes. */
  context?: Context;
  /** As {@link WorkpoolOptions.statusTtl}, for this work; kinds not mentioned are as the pool has them. */
  statusTtl?: StatusTtl;
  /**
   * How long an attempt of an action may take, in milliseconds: an integer from
   * 1,000 to 1,620,000 (27 minutes). Default: as the pool says, else nothing is declared.
   *
   * An attempt that takes longer has failed, with an error that says so, and is
   * retried as `retry` says. Time counts from when a worker calls the action. Convex cannot
   * interrupt a handler: it runs on, what it returns counts for nothing, and what becomes of its slot
   * is what `onTimeout` says.
   *
   * It also decides where an attempt begins: only in a worker whose remaining lifetime
   * covers it, so that no work fails because its worker reaches the platform's
   * time limit for actions (30 minutes). Declare it for actions that may take
   * longer than ten minutes, which is what is assumed where nothing is declared. Works that
   * declare more than 20 minutes begin in workers opened for them, which takes a little
   * longer; slots can stand empty meanwhile. Actions that run in Node ("use node") are ended
   * by Convex after ten minutes, whatever is declared here.
   *
   * Mutations and queries are not timed: Convex bounds them itself.
   */
  timeoutMs?: number;
  /**
   * What becomes of the slot of an attempt that takes longer than `timeoutMs`.
   * Default: as the pool says, else "hold".
   *
   * - "hold": it stays taken until the handler ends, so that no more handlers run than
   *   `maxParallelism`. A handler that never ends holds it until Convex ends its worker,
   *   within 30 minutes.
   * - "release": another work takes it at once, beside the handler that still runs.
   */
  onTimeout?: OnTimeout;
  /**
   * For how long an attempt of an action may say nothing, in milliseconds: an integer from
   * 1,000 to 1,620,000 (27 minutes). Default: for any time.
   *
   * The first `heartbeat` of an attempt arms it ({@link Attempt}); one that never beats is not watched. An attempt
   * that has gone so long without a further beat counts as frozen: within 15 seconds more it has failed, with the
   * reason "timedOut", and is retried as `retry` says. Beats are written at most once a second, and one whose call fails is
   * lost: leave room for that. The slot stays taken until the handler ends, whatever `onTimeout` says. The
   * work needs {@link thisWork} among its arguments.
   */
  heartbeatTimeoutMs?: number;
  /**
   * Words by which works can be found and filtered: at most 5, each of 1 to 200 characters and none
   * twice. Default: none. Each costs a document.
   */
  tags?: readonly string[];
} & (
  | {
      /**
       * When the work may start, in milliseconds since 1970. Default: now, as for
       * any time in the past. Refused when more than four years ahead. It may
       * start later, if the pool is busy.
       */
      runAt?: number;

      runAfter?: never;
    }
  | {
      /**
       * In how many milliseconds the work may start. Default: 0, as for any
       * negative number. Refused above four years. It may start later, if the pool is
       * busy.
       */
      runAfter?: number;

      runAt?: never;
    }
) &
  (
    | {
        /**
         * By when the work has to begin, in milliseconds since 1970; at most four years
         * ahead. Default: it may begin at any time. No attempt begins at that time or later, no
         * retry either: then the work ends as failed, with an error that says so and
         * its callback, within about 15 seconds, also in a pool that is paused or far behind. An attempt
         * that runs at that time may end. Refused when the work may not start before it.
         */
        expireAt?: number;

        expireAfter?: never;
      }
    | {
        /** As `expireAt`, in milliseconds from now: from 0 to four years. */
        expireAfter?: number;

        expireAt?: never;
      }
  );

/** How an action enqueued with `retry` into a pool with `pool` is retried. Undefined: not at all. */
export function resolveRetry(
  pool: WorkpoolRetryOptions,
  retry: boolean | RetryPolicy | undefined,
): RetryPolicy | undefined {
  const wanted = retry ?? pool.retryActionsByDefault ?? false;
  if (wanted === false) {
    return undefined;
  }
  return wanted === true
    ? (pool.defaultRetryBehavior ?? DEFAULT_RETRY_BEHAVIOR)
    : wanted;
}

/** Undefined: neither says anything. */
export function combineStatusTtl(
  pool: StatusTtl | undefined,
  own: StatusTtl | undefined,
): StatusTtlByKind | undefined {
  const base = pool === undefined ? undefined : resolveStatusTtl(pool);
  return own === undefined ? base : resolveStatusTtl(own, base);
}

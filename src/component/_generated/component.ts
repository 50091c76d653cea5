/* eslint-disable */
/**
 * Generated `ComponentApi` utility.
 *
 * THIS CODE IS AUTOMATICALLY GENERATED.
 *
 * To regenerate, run `npx convex dev`.
 * @module
 */

import type { FunctionReference } from "convex/server";

/**
 * A utility for referencing a Convex component's exposed API.
 *
 * Useful when expecting a parameter like `components.myComponent`.
 * Usage:
 * ```ts
 * async function myFunction(ctx: QueryCtx, component: ComponentApi) {
 *   return ctx.runQuery(component.someFile.someQuery, { ...args });
 * }
 * ```
 */
export type ComponentApi<Name extends string | undefined = string | undefined> =
  {
    attempts: {
      beat: FunctionReference<
        "mutation",
        "internal",
        { fence: number; id: string; progress?: number; step?: string },
        "goesOn" | "canceled" | "superseded",
        Name
      >;
      continueWith: FunctionReference<
        "mutation",
        "internal",
        {
          fence: number;
          fnArgs: any;
          id: string;
          late?: Record<string, "this">;
        },
        "noted" | "canceled" | "superseded" | "tooManyHops",
        Name
      >;
      listen: FunctionReference<
        "query",
        "internal",
        { fence: number; id: string },
        "goesOn" | "canceled" | "superseded",
        Name
      >;
      suspend: FunctionReference<
        "mutation",
        "internal",
        { fence: number; id: string; timeoutMs: number },
        "noted" | "canceled" | "superseded" | "tooManyHops",
        Name
      >;
    };
    config: {
      declare: FunctionReference<
        "mutation",
        "internal",
        {
          environmentLogLevel?:
            "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR" | null;
          logLevel?: "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR";
          maxParallelism?: number;
        },
        null,
        Name
      >;
      get: FunctionReference<
        "query",
        "internal",
        {},
        {
          declared: {
            environmentLogLevel?:
              "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR";
            logLevel?: "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR";
            maxParallelism?: number;
          };
          declaredAt: number | null;
          disagreement: null | {
            at: number;
            other: {
              environmentLogLevel?:
                "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR";
              logLevel?:
                "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR";
              maxParallelism?: number;
            };
          };
          inForce: {
            logLevel: "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR";
            maxParallelism: number;
          };
          overriddenAt: number | null;
          overrides: {
            logLevel?: {
              insteadOf:
                "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR";
              value: "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR";
            };
            maxParallelism?: { insteadOf: number; value: number };
          };
        },
        Name
      >;
      update: FunctionReference<
        "mutation",
        "internal",
        {
          logLevel?:
            "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR" | null;
          maxParallelism?: number | null;
        },
        null,
        Name
      >;
    };
    lib: {
      cancel: FunctionReference<
        "mutation",
        "internal",
        {
          id: string;
          logLevel?: "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR";
          running?: "abandon";
        },
        "canceled" | "signaled" | "ended" | "unknown",
        Name
      >;
      cancelAll: FunctionReference<
        "mutation",
        "internal",
        {
          before?: number;
          limit?: number;
          logLevel?: "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR";
        },
        null,
        Name
      >;
      enqueue: FunctionReference<
        "mutation",
        "internal",
        {
          config: {
            environmentLogLevel?:
              "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR" | null;
            logLevel?: "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR";
            maxParallelism?: number;
          };
          expireAt?: number;
          fnArgs: any;
          fnHandle: string;
          fnName: string;
          fnType: "action" | "mutation" | "query";
          heartbeatTimeoutMs?: number;
          late?: Record<string, "this">;
          onComplete?: {
            context?: any;
            excludeKinds?: Array<"success" | "failed" | "canceled">;
            fnHandle: string;
          };
          onFailed?: string;
          onTimeout?: "hold" | "release";
          retryBehavior?:
            | {
                base: number;
                initialBackoffMs: number;
                jitter?: number;
                maxAttempts: number;
                maxBackoffMs?: number;
                maxElapsedMs?: number;
              }
            | {
                intervalsMs: Array<number>;
                jitter?: number;
                maxAttempts: number;
                maxElapsedMs?: number;
              };
          runAt: number;
          statusTtl?:
            number | { canceled?: number; failed?: number; success?: number };
          tags?: Array<string>;
          timeoutMs?: number;
        },
        string,
        Name
      >;
      enqueueBatch: FunctionReference<
        "mutation",
        "internal",
        {
          config: {
            environmentLogLevel?:
              "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR" | null;
            logLevel?: "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR";
            maxParallelism?: number;
          };
          items: Array<{
            expireAt?: number;
            fnArgs: any;
            fnHandle: string;
            fnName: string;
            fnType: "action" | "mutation" | "query";
            heartbeatTimeoutMs?: number;
            late?: Record<string, "this">;
            onComplete?: {
              context?: any;
              excludeKinds?: Array<"success" | "failed" | "canceled">;
              fnHandle: string;
            };
            onFailed?: string;
            onTimeout?: "hold" | "release";
            retryBehavior?:
              | {
                  base: number;
                  initialBackoffMs: number;
                  jitter?: number;
                  maxAttempts: number;
                  maxBackoffMs?: number;
                  maxElapsedMs?: number;
                }
              | {
                  intervalsMs: Array<number>;
                  jitter?: number;
                  maxAttempts: number;
                  maxElapsedMs?: number;
                };
            runAt: number;
            statusTtl?:
              number | { canceled?: number; failed?: number; success?: number };
            tags?: Array<string>;
            timeoutMs?: number;
          }>;
        },
        Array<string>,
        Name
      >;
      get: FunctionReference<
        "query",
        "internal",
        { id: string },
        null | {
          attempts: number;
          callback?: {
            attempts: number;
            lastError?: string;
            state: "owed" | "done" | "failed";
          };
          canceled?: true;
          dueAt?: number;
          enqueuedAt: number;
          error?: string;
          errorData?: any;
          finishedAt?: number;
          fnName: string;
          fnType: "action" | "mutation" | "query";
          history?: Array<{
            endedAt: number;
            error: string;
            number: number;
            reason?:
              | "expired"
              | "timedOut"
              | "discarded"
              | "workerLost"
              | "abandoned"
              | "unreachable";
            round?: number;
            startedAt?: number;
          }>;
          hops?: number;
          lastError?: string;
          progress?: { beatAt: number; progress?: number; step?: string };
          reason?:
            | "expired"
            | "timedOut"
            | "discarded"
            | "workerLost"
            | "abandoned"
            | "unreachable";
          result?:
            | { kind: "success"; returnValue: any }
            | { error: string; kind: "failed" }
            | { kind: "canceled" };
          round?: number;
          runAt: number;
          startedAt?: number;
          state: "pending" | "claimed" | "running" | "suspended" | "finished";
          tags?: Array<string>;
          uniqueKey?: string;
          workId: string;
        },
        Name
      >;
      status: FunctionReference<
        "query",
        "internal",
        { id: string },
        | { previousAttempts: number; state: "pending" }
        | { previousAttempts: number; state: "running" }
        | { state: "finished" },
        Name
      >;
      statusBatch: FunctionReference<
        "query",
        "internal",
        { ids: Array<string> },
        Array<
          | { previousAttempts: number; state: "pending" }
          | { previousAttempts: number; state: "running" }
          | { state: "finished" }
        >,
        Name
      >;
    };
    pool: {
      health: FunctionReference<
        "query",
        "internal",
        {},
        {
          backlog: { count: number; isAtLeast: boolean };
          callbacks: {
            failed: { count: number; isAtLeast: boolean };
            failing: { count: number; isAtLeast: boolean };
            owed: { count: number; isAtLeast: boolean };
          };
          claimed: number;
          executors: Array<{
            asleep: boolean;
            claimed: number;
            closing: boolean;
            drives: boolean;
            halved: null | { action?: number; transaction?: number };
            inFlight: number;
            lastReportAt: number | null;
            long: boolean;
            running: number;
            startedAt: number;
            state: string | null;
            timedOut: number;
            width: number;
          }>;
          facts: Array<string>;
          fruitlessTicks: { count: number; since: number };
          healthy: boolean;
          inFlight: number;
          lacks: Array<
            | "snapshotTs"
            | "transactionLimits"
            | "transactionMetrics"
            | "deploymentClass"
          >;
          lastTakeoverAt: number | null;
          lastTickAt: number | null;
          limitInEffect: number;
          maxParallelism: number;
          nextDueAt: number | null;
          nextTickAt: number | null;
          notices: {
            failing: { count: number; isAtLeast: boolean };
            owed: { count: number; isAtLeast: boolean };
          };
          oldestWaitingSince: number | null;
          overrides: {
            logLevel?: {
              insteadOf:
                "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR";
              value: "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR";
            };
            maxParallelism?: { insteadOf: number; value: number };
          };
          paused: boolean;
          problems: Array<string>;
          quarantined: { count: number; isAtLeast: boolean };
          recovery: null | {
            executors: number;
            failures: number;
            worksAtATime: number;
          };
          running: number;
          state: "idle" | "scheduled" | "running" | "saturated";
          transactionLimitInEffect: number;
        },
        Name
      >;
      kick: FunctionReference<"mutation", "internal", {}, null, Name>;
    };
    unique: {
      enqueue: FunctionReference<
        "mutation",
        "internal",
        {
          config: {
            environmentLogLevel?:
              "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR" | null;
            logLevel?: "DEBUG" | "TRACE" | "INFO" | "REPORT" | "WARN" | "ERROR";
            maxParallelism?: number;
          };
          expireAt?: number;
          fnArgs: any;
          fnHandle: string;
          fnName: string;
          fnType: "action" | "mutation" | "query";
          heartbeatTimeoutMs?: number;
          late?: Record<string, "this">;
          onComplete?: {
            context?: any;
            excludeKinds?: Array<"success" | "failed" | "canceled">;
            fnHandle: string;
          };
          onFailed?: string;
          onTimeout?: "hold" | "release";
          retryBehavior?:
            | {
                base: number;
                initialBackoffMs: number;
                jitter?: number;
                maxAttempts: number;
                maxBackoffMs?: number;
                maxElapsedMs?: number;
              }
            | {
                intervalsMs: Array<number>;
                jitter?: number;
                maxAttempts: number;
                maxElapsedMs?: number;
              };
          runAt: number;
          statusTtl?:
            number | { canceled?: number; failed?: number; success?: number };
          tags?: Array<string>;
          timeoutMs?: number;
          unique: {
            delayMs?: number;
            key: string;
            maxDelayMs?: number;
            movesStart?: boolean;
            onDuplicate?: "return" | "replace" | "runAgain";
            scope: "waiting" | "active" | "retained" | { windowMs: number };
          };
        },
        { id: string; isNew: boolean; replaced: boolean },
        Name
      >;
    };
    works: {
      cancelMany: FunctionReference<
        "mutation",
        "internal",
        {
          filter: {
            after?: number;
            before?: number;
            fnName?: string;
            reason?:
              | "expired"
              | "timedOut"
              | "discarded"
              | "workerLost"
              | "abandoned"
              | "unreachable";
            state?: "success" | "failed" | "canceled";
            tag?: string;
          };
        },
        { isDone: boolean; matched: number; skipped: number; why?: string },
        Name
      >;
      complete: FunctionReference<
        "mutation",
        "internal",
        { id: string; result: any },
        "completed" | "ended" | "unknown",
        Name
      >;
      counts: FunctionReference<
        "query",
        "internal",
        {},
        {
          callbacks: Array<{
            count: number;
            isAtLeast: boolean;
            state: "owed" | "failed";
          }>;
          functions: Array<{
            failed: { count: number; isAtLeast: boolean };
            fnName: string;
            unfinished: { count: number; isAtLeast: boolean };
          }>;
          states: Array<{
            count: number;
            isAtLeast: boolean;
            state:
              | "scheduled"
              | "waiting"
              | "retrying"
              | "claimed"
              | "running"
              | "suspended"
              | "success"
              | "failed"
              | "canceled";
          }>;
        },
        Name
      >;
      fail: FunctionReference<
        "mutation",
        "internal",
        { error: string; id: string },
        "completed" | "ended" | "unknown",
        Name
      >;
      forget: FunctionReference<
        "mutation",
        "internal",
        { id: string },
        { isDone: boolean; matched: number; skipped: number; why?: string },
        Name
      >;
      forgetMany: FunctionReference<
        "mutation",
        "internal",
        {
          filter: {
            after?: number;
            before?: number;
            fnName?: string;
            reason?:
              | "expired"
              | "timedOut"
              | "discarded"
              | "workerLost"
              | "abandoned"
              | "unreachable";
            state?: "success" | "failed" | "canceled";
            tag?: string;
          };
        },
        { isDone: boolean; matched: number; skipped: number; why?: string },
        Name
      >;
      list: FunctionReference<
        "query",
        "internal",
        {
          after?: number;
          before?: number;
          callback?: "owed" | "failed";
          fnName?: string;
          paginationOpts: {
            cursor: string | null;
            endCursor?: string | null;
            id?: number;
            maximumBytesRead?: number;
            maximumRowsRead?: number;
            numItems: number;
          };
          state?:
            | "scheduled"
            | "waiting"
            | "retrying"
            | "claimed"
            | "running"
            | "suspended"
            | "success"
            | "failed"
            | "canceled";
          tag?: string;
        },
        {
          continueCursor: string;
          isDone: boolean;
          page: Array<{
            attempts: number;
            callback?: {
              attempts: number;
              error?: string;
              state: "owed" | "done" | "failed";
            };
            canceled?: true;
            dueAt?: number;
            enqueuedAt: number;
            error?: string;
            finishedAt?: number;
            fnName: string;
            fnType: "action" | "mutation" | "query";
            reason?:
              | "expired"
              | "timedOut"
              | "discarded"
              | "workerLost"
              | "abandoned"
              | "unreachable";
            round?: number;
            state:
              | "scheduled"
              | "waiting"
              | "retrying"
              | "claimed"
              | "running"
              | "suspended"
              | "success"
              | "failed"
              | "canceled";
            tags?: Array<string>;
            workId: string;
          }>;
          pageStatus?: "SplitRecommended" | "SplitRequired" | null;
          splitCursor?: string | null;
        },
        Name
      >;
      operations: FunctionReference<
        "query",
        "internal",
        {},
        Array<{
          filter: {
            after?: number;
            before?: number;
            fnName?: string;
            reason?:
              | "expired"
              | "timedOut"
              | "discarded"
              | "workerLost"
              | "abandoned"
              | "unreachable";
            state?: "success" | "failed" | "canceled";
            tag?: string;
          };
          kind: "retry" | "forget" | "retryCallbacks";
          matched: number;
          retry?: {
            delayMs?: number;
            resetAttempts?: boolean;
            spreadMs?: number;
          };
          skipped: number;
          startedAt: number;
        }>,
        Name
      >;
      retry: FunctionReference<
        "mutation",
        "internal",
        {
          delayMs?: number;
          id: string;
          resetAttempts?: boolean;
          spreadMs?: number;
        },
        { isDone: boolean; matched: number; skipped: number; why?: string },
        Name
      >;
      retryCallback: FunctionReference<
        "mutation",
        "internal",
        { id: string },
        { isDone: boolean; matched: number; skipped: number; why?: string },
        Name
      >;
      retryCallbacks: FunctionReference<
        "mutation",
        "internal",
        {
          filter: {
            after?: number;
            before?: number;
            fnName?: string;
            reason?:
              | "expired"
              | "timedOut"
              | "discarded"
              | "workerLost"
              | "abandoned"
              | "unreachable";
            state?: "success" | "failed" | "canceled";
            tag?: string;
          };
        },
        { isDone: boolean; matched: number; skipped: number; why?: string },
        Name
      >;
      retryMany: FunctionReference<
        "mutation",
        "internal",
        {
          delayMs?: number;
          filter: {
            after?: number;
            before?: number;
            fnName?: string;
            reason?:
              | "expired"
              | "timedOut"
              | "discarded"
              | "workerLost"
              | "abandoned"
              | "unreachable";
            state?: "success" | "failed" | "canceled";
            tag?: string;
          };
          resetAttempts?: boolean;
          spreadMs?: number;
        },
        { isDone: boolean; matched: number; skipped: number; why?: string },
        Name
      >;
      update: FunctionReference<
        "mutation",
        "internal",
        { id: string; runAt: number },
        "updated" | "running" | "ended" | "unknown",
        Name
      >;
    };
  };

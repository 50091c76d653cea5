/** What apps import from `convex-workpool`. */
export { Workpool } from "./workpool.js";
export { enqueueBatch } from "./batch.js";
export { type DirectEnqueueOptions, enqueue } from "./enqueue.js";
export {
  enqueueUnique,
  type UniqueEnqueued,
  type UniqueOptions,
} from "./unique.js";
export {
  type AbortKind,
  type Attempt,
  AttemptAbortedError,
} from "./attempt.js";
export type { ActionDefinition } from "./defineAction.js";
export {
  attemptOf,
  type Late,
  type ThisWork,
  thisWork,
  vThisWork,
  type WithLate,
} from "./late.js";
export type { Middleware } from "./middleware.js";
export type {
  CallbackFilter,
  CancelFilter,
  CancelResult,
  ConcludeAnswer,
  Done,
  ForgetFilter,
  ListedWork,
  ListOptions,
  RetryFilter,
  RetryRoundOptions,
  RunningOperation,
  UpdateAnswer,
  WorkChange,
  WorkCounts,
  WorkPage,
} from "./afterwards.js";
export {
  vListedWork,
  vListFilter,
  vWorkCounts,
  vWorkPage,
} from "../component/observe/workList.js";
export { vDone } from "../component/work/filter.js";
export type {
  EnqueueOptions,
  RetryOption,
  WorkpoolOptions,
  WorkpoolRetryOptions,
} from "./options.js";
export {
  type OnCompleteArgs,
  type OnFailedArgs,
  type PoolHealth,
  vPoolHealth,
  vOnComplete,
  vOnCompleteArgs,
  vOnFailedArgs,
  /** @deprecated Use `vOnCompleteArgs` instead. */
  vOnCompleteArgs as vOnCompleteValidator,
  vWorkId,
  vWorkId as vWorkIdValidator,
  /** @deprecated Use `vWorkId` instead. */
  vWorkId as workIdValidator,
  vWorkInfo,
  type WorkId,
  type WorkInfo,
  type WorkpoolComponent,
} from "./types.js";
export {
  DEFAULT_RETRY_BEHAVIOR,
  DEFAULT_STATUS_TTL,
  type OnTimeout,
  type ResultKind,
  type RetryBehavior,
  type RetryIntervals,
  type RetryPolicy,
  type RunResult,
  type Status,
  type StatusTtlByKind,
  vResult,
  vResult as vResultValidator,
  /** @deprecated Use `vResult` instead. */
  vResult as resultValidator,
  vRetryBehavior,
  vRetryIntervals,
  vRetryPolicy,
  vRunResult,
  vStatus,
} from "../component/shared.js";
export type { StatusTtl } from "../component/validate.js";
export {
  isNonRetryableError,
  NonRetryableError,
  RateLimitedError,
  Snooze,
} from "../component/errors.js";
export { logLevel as vLogLevel, type LogLevel } from "../component/logging.js";

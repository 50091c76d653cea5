/**
 * Which options there are, for callers that the types do not check. What is
 * unknown is refused even if its value is undefined: a misspelling is one
 * whatever it is set to. An option that is known and undefined is as not given.
 */
import type { FunctionType } from "convex/server";
import { checkNames, namesIn } from "../component/names.js";
import { refuse } from "../component/refusal.js";
import { checkFunction } from "./context.js";
import type { RetryPolicy } from "../component/shared.js";
import { RESULT_KINDS } from "../component/validate.js";
import { RETRY_FIELDS } from "../component/validateTime.js";
import type { DirectEnqueueOptions } from "./enqueue.js";
import type {
  EnqueueOptions,
  RetryOption,
  WorkpoolOptions,
} from "./options.js";
import { checkMiddlewares } from "./middleware.js";
import { ignoredOptions, ignoredPoolOptions, warnOnce } from "./warnings.js";

/** Records and not lists, so that the types notice an option that is missing here. */
const POOL: Record<keyof WorkpoolOptions, true> = {
  maxParallelism: true,
  logLevel: true,
  statusTtl: true,
  timeoutMs: true,
  onTimeout: true,
  onFailed: true,
  defaultRetryBehavior: true,
  retryActionsByDefault: true,
  use: true,
};
const ENQUEUE: Record<keyof EnqueueOptions, true> = {
  name: true,
  onComplete: true,
  onCompleteExcludeKinds: true,
  context: true,
  statusTtl: true,
  timeoutMs: true,
  onTimeout: true,
  heartbeatTimeoutMs: true,
  tags: true,
  runAt: true,
  runAfter: true,
  expireAt: true,
  expireAfter: true,
};
const DIRECT: Record<keyof DirectEnqueueOptions<unknown, unknown>, true> = {
  ...ENQUEUE,
  onFailed: true,
  retryBehavior: true,
  maxParallelism: true,
  logLevel: true,
};

const POOL_OPTIONS = Object.keys(POOL);
const ENQUEUE_OPTIONS = Object.keys(ENQUEUE);
const ACTION_OPTIONS = ["retry", ...ENQUEUE_OPTIONS];
const DIRECT_OPTIONS = Object.keys(DIRECT);

/** What only a pool has, and not an enqueue. */
const POOLS_OWN = POOL_OPTIONS.filter(
  (name) => !ENQUEUE_OPTIONS.includes(name),
);
/** What `enqueue` and `enqueueBatch` ignore when a pool's options are spread into theirs. */
const IGNORED_BY_DIRECT = POOLS_OWN.filter(
  (name) => !DIRECT_OPTIONS.includes(name),
);

/** What the checks need to know of the options of any enqueue; the values are checked elsewhere. */
export type AnyEnqueueOptions = EnqueueOptions<any, any> &
  RetryOption &
  WorkpoolOptions & { retryBehavior?: RetryPolicy };

export function checkPoolOptions(options: WorkpoolOptions): void {
  checkNames("Workpool", namesOf("Workpool", options), POOL_OPTIONS);
  checkFieldNames(
    "defaultRetryBehavior",
    options.defaultRetryBehavior,
    RETRY_FIELDS,
  );
  checkFieldNames("statusTtl", options.statusTtl, RESULT_KINDS);
  if (options.onFailed) checkFunction("onFailed", options.onFailed);
  checkMiddlewares(options.use);
}

/**
 * The options of a method of a pool.
 *
 * @param more - What this method takes beyond those of any enqueue.
 */
export function checkEnqueueOptions(
  method: string,
  fnType: FunctionType,
  options: (EnqueueOptions<any, any> & RetryOption) | undefined,
  pool: WorkpoolOptions,
  more: readonly string[] = [],
): void {
  // Callers without types pass null for "none".
  if (options == null) return;
  const names = namesOf(method, options);
  for (const name of names.filter((name) => POOLS_OWN.includes(name))) {
    checkIsPools(method, name as keyof WorkpoolOptions, options, pool);
  }
  const known = fnType === "action" ? ACTION_OPTIONS : ENQUEUE_OPTIONS;
  checkNames(
    method,
    // The peer ignores `retry` where nothing is retried; there is a warning.
    names.filter((name) => name !== "retry" && !POOLS_OWN.includes(name)),
    [...known, ...more],
  );
  warnOnce(method, ignoredOptions(fnType, options));
}

/** The options of `enqueue` and `enqueueBatch`. */
export function checkDirectOptions(
  method: string,
  fnType: FunctionType,
  options: DirectEnqueueOptions<any, any>,
  more: readonly string[] = [],
): void {
  const names = namesOf(method, options);
  checkNames(
    method,
    names.filter((name) => !IGNORED_BY_DIRECT.includes(name)),
    [...DIRECT_OPTIONS, ...more],
  );
  warnOnce(method, [
    ...ignoredOptions(fnType, options),
    ...ignoredPoolOptions(options),
  ]);
}

export function checkCancelAllOptions(options: object | undefined): void {
  if (options == null) return;
  checkNames("cancelAll", namesOf("cancelAll", options), ["limit"]);
}

export function checkOnCompleteDefinition(definition: {
  handler: unknown;
}): void {
  const owner = "defineOnComplete";
  checkNames(owner, namesOf(owner, definition), [
    "context",
    "handler",
    "returnValue",
  ]);
  if (typeof definition.handler !== "function") {
    refuse("handler", "a function", definition.handler);
  }
}

/**
 * An enqueue may be given all options of its pool, which is what spreading
 * `pool.options` into its own does; to change one of them for a work is a mistake.
 */
function checkIsPools(
  method: string,
  name: keyof WorkpoolOptions,
  options: object,
  pool: WorkpoolOptions,
): void {
  const value = (options as WorkpoolOptions)[name];
  if (value !== undefined && value !== pool[name]) {
    throw new Error(
      `${name} is an option of the pool and not of ${method}: new Workpool(component, { ${name}: … }).`,
    );
  }
}

export function namesOf(owner: string, options: unknown): string[] {
  return namesIn(`The options of ${owner}`, options);
}

/** Names only: of what is no object, the check of the value says so. */
function checkFieldNames(
  option: string,
  value: unknown,
  known: readonly string[],
): void {
  if (typeof value !== "object" || value === null) return;
  checkNames(option, Object.keys(value), known, "field");
}

/** A top-level call: what is asked for, what comes of it, and who answers. */
import {
  DeveloperError,
  StorageError,
  WriteConflictError,
  type JSONObject,
  type JSONValue,
  type ReadSet,
  type Transaction,
  type Ts,
} from "../storage/types.js";
import { encodeInt64 } from "../values/index.js";
import type { RequestContext } from "./context.js";
import { FunctionError, SystemError } from "./errors.js";
import type { Life } from "./life.js";
import type { RetryPolicy } from "./limits.js";
import type { CallLog } from "./log.js";
import type { App, Caller, FunctionAddress } from "./types.js";

export interface Invocation {
  app: App;
  address: FunctionAddress;
  args: JSONObject;
  /** Null: another function, which may call everything it can name. */
  caller: Caller | null;
  request: RequestContext;
  log: CallLog;
}

export type Failure = FunctionError | SystemError;
export type Result =
  { ok: true; value: JSONValue } | { ok: false; error: Failure };

export function unwrap(run: { result: Result }): JSONValue {
  if (!run.result.ok) throw run.result.error;
  return run.result.value;
}

/** Where an action is called. A scheduled one waits for its permit however long it takes. */
export type Origin = "root" | "scheduled" | { calledIn: Life };

export interface QueryRun {
  result: Result;
  ts: Ts;
  readSet: ReadSet;
  journal: string | null;
}

export interface MutationRun {
  result: Result;
  /** Of the commit; of the snapshot when nothing was committed. */
  ts: Ts;
}

/** What belongs into a mutation's transaction besides the mutation itself. */
export interface TransactionHooks {
  /** A result means: answer with it, run and commit nothing. */
  before?(transaction: Transaction): MutationRun | null;
  after?(transaction: Transaction, value: JSONValue): void;
}

/** Who answers. A run tells what its query or mutation failed with; the promise of an action rejects with it. */
export interface Executions {
  query(
    invocation: Invocation,
    options?: { at?: Ts; journal?: string | null },
  ): Promise<QueryRun>;
  mutation(
    invocation: Invocation,
    hooks?: TransactionHooks,
    retry?: RetryPolicy,
  ): Promise<MutationRun>;
  action(invocation: Invocation, origin: Origin): Promise<JSONValue>;
  /** A small transaction of the deployment's own, repeated on conflicts. */
  write<T>(
    run: (transaction: Transaction) => T,
    retry?: RetryPolicy,
  ): Promise<T>;
}

export function asFailure(error: unknown): Failure {
  if (error instanceof FunctionError || error instanceof SystemError) {
    return error;
  }
  if (error instanceof WriteConflictError) return conflictError(error);
  if (error instanceof StorageError) {
    return new SystemError("InternalServerError", error.message, {
      cause: error,
    });
  }
  if (error instanceof DeveloperError) return new FunctionError(error.message);
  return new SystemError(
    "InternalServerError",
    `The embedded deployment failed internally: ${String((error as Error)?.stack ?? error)}`,
    { cause: error },
  );
}

export function conflictError(error: WriteConflictError): SystemError {
  return new SystemError("OptimisticConcurrencyControlFailure", error.message, {
    cause: error,
  });
}

const PLACEHOLDER = '{"$commitTs":null}';

/** Quotes inside strings are escaped, so the placeholder's text is always the placeholder. */
export function resolveCommitTs(value: JSONValue, ts: Ts): JSONValue {
  const json = JSON.stringify(value);
  if (!json.includes(PLACEHOLDER)) return value;
  return JSON.parse(
    json.replaceAll(PLACEHOLDER, JSON.stringify({ $integer: encodeInt64(ts) })),
  ) as JSONValue;
}

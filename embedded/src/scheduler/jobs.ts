/**
 * Scheduled functions as rows: `_scheduled_functions` in the namespace of the
 * component that scheduled them.
 *
 *   pending ──(a mutation ran, in its own transaction)──▶ success | failed
 *   pending ──(about to run an action)──▶ inProgress ──▶ success | failed
 *   pending | inProgress ──cancel──▶ canceled
 *
 * Finished states are final. Everything here happens within the transaction of
 * whoever asks, so a job exists, is canceled or is done exactly if that commits.
 */
import { displayPath } from "../runtime/app.js";
import { SyscallError } from "../runtime/errors.js";
import type { FunctionAddress } from "../runtime/types.js";
import type {
  JSONObject,
  JSONValue,
  Namespace,
  StoredDocument,
  TableDefinition,
  Transaction,
} from "../storage/types.js";
import { invalidArgument } from "../storage/snapshot-reader.js";
import { convexSize, decodeId } from "../values/index.js";

export const JOBS_TABLE = "_scheduled_functions";

/** `nextTime` is null once a job is finished, `completedTime` absent until then. */
export const BY_NEXT_TIME = "by_next_time";
export const BY_COMPLETED_TIME = "by_completed_time";

export const JOBS_TABLE_DEFINITION: TableDefinition = {
  name: JOBS_TABLE,
  documentType: null,
  indexes: [
    { name: BY_NEXT_TIME, fields: ["nextTime"] },
    { name: BY_COMPLETED_TIME, fields: ["completedTime"] },
  ],
};

export type JobState =
  | { kind: "pending" }
  | { kind: "inProgress" }
  | { kind: "success" }
  | { kind: "failed"; error: string }
  | { kind: "canceled" };

export interface Job {
  id: string;
  namespace: Namespace;
  target: FunctionAddress;
  args: JSONObject;
  state: JobState;
  /** As it was asked for; may lie in the past. */
  scheduledTime: number;
  /** When the scheduler should look at it next; null when finished. */
  nextTime: number | null;
  /** System errors so far: each makes the next attempt wait longer. */
  failures: number;
}

export interface JobReference {
  id: string;
  namespace: Namespace;
}

export function parseJob(namespace: Namespace, document: StoredDocument): Job {
  const row = document.value as unknown as {
    component: string;
    function: string;
    args: [JSONObject];
    state: JobState;
    scheduledTime: number;
    nextTime: number | null;
    failures: number;
  };
  return {
    id: document.id,
    namespace,
    target: { component: row.component, name: row.function },
    args: row.args[0],
    state: row.state,
    scheduledTime: row.scheduledTime,
    nextTime: row.nextTime,
    failures: row.failures,
  };
}

const PUBLIC_FIELDS = [
  "_creationTime",
  "_id",
  "args",
  "completedTime",
  "name",
  "scheduledTime",
  "state",
] as const;

/** The row as functions see it through `ctx.db.system`. */
export function presentJob(document: StoredDocument): JSONObject {
  const shown: JSONObject = {};
  for (const field of PUBLIC_FIELDS) {
    const value = document.value[field];
    if (value !== undefined) shown[field] = value;
  }
  return shown;
}

const FIVE_YEARS_MS = 5 * 366 * 24 * 3_600_000;

/** Throws when `time` (milliseconds) is too far from `now`. */
export function checkScheduledTime(time: number, now: number): void {
  const direction =
    time - now > FIVE_YEARS_MS
      ? "future"
      : now - time > FIVE_YEARS_MS
        ? "past"
        : null;
  if (direction !== null) {
    throw new SyscallError(
      `${new Date(time).toISOString()} is more than 5 years in the ${direction}`,
    );
  }
}

export interface NewJob {
  /** The component that schedules. */
  namespace: Namespace;
  target: FunctionAddress;
  args: JSONObject;
  /** Milliseconds since the epoch. */
  time: number;
  now: number;
  /** The scheduled function that this happens in, directly or through an action's calls. */
  parent: JobReference | null;
}

export function insertJob(transaction: Transaction, job: NewJob): string {
  transaction.countScheduled(convexSize([job.args]));
  const canceled = job.parent !== null && isCanceled(transaction, job.parent);
  const state: JobState = { kind: canceled ? "canceled" : "pending" };
  return transaction.insert(job.namespace, JOBS_TABLE, {
    name: displayPath(job.target.name),
    component: job.target.component,
    function: job.target.name,
    args: [job.args],
    state,
    failures: 0,
    ...(canceled
      ? { scheduledTime: job.now, completedTime: job.now, nextTime: null }
      : // A time in the past must not overtake what has been due for long.
        { scheduledTime: job.time, nextTime: Math.max(job.time, job.now) }),
  });
}

function isCanceled(transaction: Transaction, parent: JobReference): boolean {
  const row = transaction.get(parent.namespace, parent.id);
  return row !== null && stateOf(row).kind === "canceled";
}

export function stateOf(document: StoredDocument): JobState {
  return document.value.state as unknown as JobState;
}

export function isFinished(state: JobState): boolean {
  return state.kind !== "pending" && state.kind !== "inProgress";
}

/** Cancels a pending or running job; what is finished stays as it is. */
export function cancelJob(
  transaction: Transaction,
  namespace: Namespace,
  id: string,
  now: number,
): void {
  invalidArgument("db.cancel_job", () => decodeId(id));
  if (transaction.normalizeId(namespace, JOBS_TABLE, id) === null) {
    throw new SyscallError(
      `Invalid scheduled function ID. The ID must be an ID on the '${JOBS_TABLE}' table.`,
    );
  }
  const row = transaction.get(namespace, id);
  if (row === null || isFinished(stateOf(row))) return;
  finishJob(transaction, { namespace, id }, { kind: "canceled" }, now);
}

/** Does nothing when the job was canceled meanwhile, or is gone. */
export function finishJob(
  transaction: Transaction,
  job: JobReference,
  state: JobState,
  now: number,
): void {
  const row = transaction.get(job.namespace, job.id);
  if (row === null || isFinished(stateOf(row))) return;
  transaction.patch(job.namespace, job.id, {
    state: state as unknown as JSONValue,
    nextTime: null,
    completedTime: now,
  });
}

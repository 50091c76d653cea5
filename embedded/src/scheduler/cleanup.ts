/** Forgets finished scheduled functions and sessions' outcomes when their time is over. */
import type { RuntimeContext } from "../runtime/context.js";
import type { Executions } from "../runtime/invocation.js";
import { removeOldSessions } from "../runtime/sessions.js";
import type { Namespace, Transaction } from "../storage/types.js";
import { BY_COMPLETED_TIME, JOBS_TABLE } from "./jobs.js";

/** So that no transaction grows with the backlog. */
const BATCH = 200;

export async function removeOldRecords(
  context: RuntimeContext,
  executor: Executions,
  now: number,
): Promise<void> {
  const before = now - context.limits.retentionMs;
  const batches = [
    ...Object.keys(context.getApp().components).map(
      (namespace) => (transaction: Transaction) =>
        removeOldJobs(transaction, namespace, before),
    ),
    (transaction: Transaction) => removeOldSessions(transaction, before, BATCH),
  ];
  for (const removeBatch of batches) {
    while ((await executor.write(removeBatch)) === BATCH);
  }
}

function removeOldJobs(
  transaction: Transaction,
  namespace: Namespace,
  before: number,
): number {
  const scan = transaction.scan(namespace, {
    table: JOBS_TABLE,
    index: BY_COMPLETED_TIME,
    range: [
      { type: "Gt", fieldPath: "completedTime", value: null },
      { type: "Lt", fieldPath: "completedTime", value: before },
    ],
    order: "asc",
  });
  let removed = 0;
  for (let row = scan.next(); row !== null; row = scan.next()) {
    transaction.remove(namespace, row.id);
    if (++removed === BATCH) break;
  }
  return removed;
}

/**
 * Mutations of clients happen once: their outcome is recorded in their own
 * transaction under the client's session and request number, and a client that
 * asks again after a lost connection gets the recorded one.
 */
import {
  DEPLOYMENT,
  type JSONValue,
  type TableDefinition,
  type Transaction,
} from "../storage/types.js";
import { decodeInt64 } from "../values/index.js";
import {
  resolveCommitTs,
  type MutationRun,
  type TransactionHooks,
} from "./invocation.js";

export interface Session {
  sessionId: string;
  requestId: number;
}

export const SESSIONS_TABLE = "_session_requests";
export const SESSIONS_TABLE_DEFINITION: TableDefinition = {
  name: SESSIONS_TABLE,
  documentType: null,
  indexes: [{ name: "by_session_request", fields: ["sessionId", "requestId"] }],
};

export function onceFor(session: Session): TransactionHooks {
  return {
    before: (transaction) => recorded(transaction, session),
    after: (transaction, value) => {
      transaction.insert(DEPLOYMENT, SESSIONS_TABLE, {
        sessionId: session.sessionId,
        requestId: session.requestId,
        // As text: a result may be larger and deeper than a document.
        result: JSON.stringify(value),
        ts: { $commitTs: null },
      });
    },
  };
}

function recorded(
  transaction: Transaction,
  { sessionId, requestId }: Session,
): MutationRun | null {
  const row = transaction
    .scan(DEPLOYMENT, {
      table: SESSIONS_TABLE,
      index: "by_session_request",
      range: [
        { type: "Eq", fieldPath: "sessionId", value: sessionId },
        { type: "Eq", fieldPath: "requestId", value: requestId },
      ],
      order: "asc",
    })
    .next();
  if (row === null) return null;
  const { result, ts } = row.value as unknown as {
    result: string;
    ts: { $integer: string };
  };
  const committed = decodeInt64(ts.$integer);
  return {
    result: {
      ok: true,
      value: resolveCommitTs(JSON.parse(result) as JSONValue, committed),
    },
    ts: committed,
  };
}

/** Removes up to `limit` records older than `before` (milliseconds). Returns how many. */
export function removeOldSessions(
  transaction: Transaction,
  before: number,
  limit: number,
): number {
  const scan = transaction.scan(DEPLOYMENT, {
    table: SESSIONS_TABLE,
    index: "by_creation_time",
    range: [{ type: "Lt", fieldPath: "_creationTime", value: before }],
    order: "asc",
  });
  let removed = 0;
  for (let row = scan.next(); row !== null; row = scan.next()) {
    transaction.remove(DEPLOYMENT, row.id);
    if (++removed === limit) break;
  }
  return removed;
}

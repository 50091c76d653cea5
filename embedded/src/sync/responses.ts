/** Outcomes of functions as messages of the protocol. */
import { clientLogLines } from "../http/logLines.js";
import type { FunctionOutcome, MutationOutcome } from "../runtime/types.js";
import {
  encodeTs,
  type ServerMessage,
  type StateModification,
} from "./protocol.js";
import type { QueryResult } from "./queryCache.js";

export function queryModification(
  queryId: number,
  result: QueryResult,
): StateModification {
  const { outcome, journal } = result.outcome;
  const logLines = clientLogLines(outcome.logLines);
  if (outcome.ok) {
    const { value } = outcome;
    return { type: "QueryUpdated", queryId, value, logLines, journal };
  }
  return {
    type: "QueryFailed",
    queryId,
    errorMessage: outcome.message,
    ...(outcome.data === undefined ? {} : { errorData: outcome.data }),
    logLines,
    journal,
  };
}

export function mutationResponse(
  requestId: number,
  { outcome, ts }: MutationOutcome,
): ServerMessage {
  if (!outcome.ok) {
    return { type: "MutationResponse", ...failure(requestId, outcome) };
  }
  return {
    type: "MutationResponse",
    requestId,
    success: true,
    result: outcome.value,
    ts: encodeTs(ts),
    logLines: clientLogLines(outcome.logLines),
  };
}

export function actionResponse(
  requestId: number,
  outcome: FunctionOutcome,
): ServerMessage {
  if (!outcome.ok) {
    return { type: "ActionResponse", ...failure(requestId, outcome) };
  }
  return {
    type: "ActionResponse",
    requestId,
    success: true,
    result: outcome.value,
    logLines: clientLogLines(outcome.logLines),
  };
}

function failure(
  requestId: number,
  outcome: Extract<FunctionOutcome, { ok: false }>,
) {
  return {
    requestId,
    success: false as const,
    result: outcome.message,
    ...(outcome.data === undefined ? {} : { errorData: outcome.data }),
    logLines: clientLogLines(outcome.logLines),
  };
}

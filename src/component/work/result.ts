/** Results as they are stored: small ones inline, a large return value in `payload`. */
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import { loadValue, storeValue } from "./payload.js";
import type { RunResult } from "../shared.js";

/** A large return value goes to `payload`; the row keeps the kind. */
export async function storeResult(
  ctx: MutationCtx,
  result: RunResult,
): Promise<Pick<Doc<"complete">, "result" | "resultId">> {
  if (result.kind !== "success") return { result };
  const stored = await storeValue(ctx, result.returnValue);
  return stored.payloadId
    ? {
        result: { kind: "success", returnValue: null },
        resultId: stored.payloadId,
      }
    : { result };
}

/** The result as it was, wherever its value is kept. */
export async function loadResult(
  ctx: QueryCtx,
  row: Pick<Doc<"complete">, "result" | "resultId">,
): Promise<RunResult> {
  if (!row.resultId || row.result.kind !== "success") return row.result;
  return {
    kind: "success",
    returnValue: await loadValue(ctx, { payloadId: row.resultId }),
  };
}

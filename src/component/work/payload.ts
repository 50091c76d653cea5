/**
 * Values too large to inline live in rows of their own, so that the rows the
 * loop and the reports touch stay small; and so do those that are too deep.
 */
import { getConvexSize, type Value } from "convex/values";
import type { Id } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import { deepAsText, fromText } from "../nesting.js";
import { INLINE_LIMIT_BYTES } from "../shared.js";

/** A value, or the row it is in. Neither: there is no value. */
export type Stored = { value?: unknown; payloadId?: Id<"payload"> };

/**
 * Puts a large or deep value into a row of its own; gives another one back as it is.
 *
 * @param bytes - Its size, if the caller measured it already.
 */
export async function storeValue(
  ctx: MutationCtx,
  value: unknown,
  bytes = getConvexSize(value as Value | undefined),
): Promise<Stored> {
  const text = deepAsText(value);
  if (text !== null) {
    return { payloadId: await ctx.db.insert("payload", { value: null, text }) };
  }
  if (bytes < INLINE_LIMIT_BYTES) {
    return value === undefined ? {} : { value };
  }
  return { payloadId: await ctx.db.insert("payload", { value }) };
}

export async function loadValue(
  ctx: QueryCtx,
  { value, payloadId }: Stored,
): Promise<unknown> {
  if (payloadId === undefined) {
    return value;
  }
  const row = await ctx.db.get("payload", payloadId);
  if (row === null) {
    throw new Error(`Payload ${payloadId} is missing.`);
  }
  return row.text === undefined ? row.value : fromText(row.text);
}

export async function deletePayload(
  ctx: MutationCtx,
  payloadId: Id<"payload"> | undefined,
): Promise<void> {
  if (payloadId !== undefined) {
    await ctx.db.delete("payload", payloadId);
  }
}

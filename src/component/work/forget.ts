/**
 * Removes outcomes before their time, with all that is kept of their works: arguments,
 * context, results, errors, history. One whose callback is owed stays, since the app has
 * not been told yet.
 */
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { removeOutcome } from "./kept.js";
import { mostBytes } from "./retention.js";
import { STILL_OWED } from "./retry.js";

export class Forgetter {
  constructor(private readonly ctx: MutationCtx) {}

  bytes = mostBytes;

  async handle(row: Doc<"complete">): Promise<string | null> {
    if (row.callback?.state === "owed") return STILL_OWED;
    await removeOutcome(this.ctx, row);
    return null;
  }

  async finish(): Promise<void> {}
}

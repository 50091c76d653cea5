/**
 * Has callbacks tried again that were given up, and those that are owed tried at once.
 * One that was given up is owed again, with a fresh set of tries (`callbackSchedule.ts`).
 */
import { getConvexSize, type Value } from "convex/values";
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import { wakeForChange } from "../queue/wake.js";
import { scheduleCallback } from "./callback.js";
import { sendCallbackNow } from "./callbackKick.js";

export class CallbackRetrier {
  private sent = 0;

  /** @param startedAt - Deliveries scheduled later are not sent again. */
  constructor(
    private readonly ctx: MutationCtx,
    private readonly startedAt: number,
  ) {}

  bytes(row: Doc<"complete">): number {
    return 4 * getConvexSize(row as Value);
  }

  async handle(row: Doc<"complete">): Promise<string | null> {
    const { callback } = row;
    switch (callback?.state) {
      case "owed":
        await sendCallbackNow(this.ctx, row, this.startedAt);
        break;
      case "failed":
        await scheduleCallback(
          this.ctx,
          row._id,
          { ...callback, state: "owed", attempts: 0 },
          Date.now(),
        );
        break;
      default:
        return "No callback is owed, and none was given up.";
    }
    this.sent += 1;
    return null;
  }

  /** The watchdog looks after what is owed. */
  async finish(): Promise<void> {
    if (this.sent > 0) await wakeForChange(this.ctx);
  }
}

/** What apps ask and do about the pool as a whole, now and then: thin entry points. */
import { v } from "convex/values";
import { mutation, query } from "./_generated/server.js";
import { poolHealth } from "./observe/health.js";
import { vPoolHealth } from "./observe/poolHealth.js";
import { kickLoop } from "./queue/wake.js";
import { sendOwedCallbacks } from "./work/callbackKick.js";
import { sendOwedNotices } from "./work/notice.js";

/** How the pool is doing, and what is wrong with it in words. */
export const health = query({
  args: {},
  returns: vPoolHealth,
  handler: async (ctx) => await poolHealth(ctx, Date.now()),
});

/**
 * For a pool that seems stuck: its loop looks after everything at once, and starts anew.
 * All owed callbacks and notices of failure are tried at once, those included that wait for their next try.
 */
export const kick = mutation({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    await kickLoop(ctx);
    await sendOwedCallbacks(ctx);
    await sendOwedNotices(ctx, Date.now());
    return null;
  },
});

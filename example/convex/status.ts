/** How the pool is doing, for the page. */
import { v } from "convex/values";
import { query } from "./_generated/server.js";
import { pool } from "./pool.js";

export const now = query({
  args: {},
  returns: v.object({
    /** Attempts that go on at this moment. */
    running: v.number(),
    /** Deliveries that a worker has and has not begun. */
    claimed: v.number(),
    /** What is so, and not wrong, like a limit that overrides another. */
    facts: v.array(v.string()),
    /**
     * What is wrong. It may quote errors of functions: whoever sees the page
     * sees them, so it belongs behind the login that Relay does not have.
     */
    problems: v.array(v.string()),
  }),
  handler: async (ctx) => {
    const { running, claimed, facts, problems } = await pool.health(ctx);
    return { running, claimed, facts, problems };
  },
});

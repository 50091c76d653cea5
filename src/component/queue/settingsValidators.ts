/** The shapes of settings. Apps use them too, so no database access here. */
import { v } from "convex/values";
import { logLevel } from "../logging.js";

export const vSettings = v.object({
  maxParallelism: v.optional(v.number()),
  logLevel: v.optional(logLevel),
});

/** What the app's `Workpool` object says, and the app's `WORKPOOL_LOG_LEVEL`. */
export const vDeclared = v.object({
  ...vSettings.fields,
  environmentLogLevel: v.optional(logLevel),
});

/** What was set at run time, and what would be in force instead. */
export const vOverrides = v.object({
  maxParallelism: v.optional(
    v.object({ value: v.number(), insteadOf: v.number() }),
  ),
  logLevel: v.optional(v.object({ value: logLevel, insteadOf: logLevel })),
});

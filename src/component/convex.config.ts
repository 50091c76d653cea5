import { defineComponent } from "convex/server";
import { v } from "convex/values";
import { logLevel } from "./logging.js";

export default defineComponent("workpool", {
  env: {
    /** The log level when neither the app's `Workpool` nor `config.update` sets one. */
    WORKPOOL_LOG_LEVEL: v.optional(logLevel),
  },
});

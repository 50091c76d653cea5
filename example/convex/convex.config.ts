import { defineApp } from "convex/server";
import { v } from "convex/values";
import workpool from "convex-workpool/convex.config.js";

const app = defineApp({
  env: {
    /** The secret that GitHub signs its webhooks with. */
    GITHUB_WEBHOOK_SECRET: v.string(),
  },
});
app.use(workpool);

export default app;

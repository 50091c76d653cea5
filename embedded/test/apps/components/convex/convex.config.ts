import rateLimiter from "@convex-dev/rate-limiter/convex.config.js";
import workpool from "@convex-dev/workpool/convex.config.js";
import { defineApp } from "convex/server";
import { v } from "convex/values";
import counter from "../counter/convex.config";

const app = defineApp({ env: { STEP: v.string() } });
app.use(counter, {
  name: "ones",
  httpPrefix: "/ones/",
  env: { STEP: app.env.STEP },
});
app.use(counter, { name: "tens", env: { STEP: "10" } });
app.use(rateLimiter);
app.use(workpool);

export default app;

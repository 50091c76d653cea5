import batchWorker from "@convex-dev/batch-worker/convex.config.js";
import crons from "@convex-dev/crons/convex.config.js";
import rateLimiter from "@convex-dev/rate-limiter/convex.config.js";
import workflow from "@convex-dev/workflow/convex.config.js";
import workpool from "@convex-dev/workpool/convex.config.js";
import { defineApp } from "convex/server";

const app = defineApp();
app.use(batchWorker);
app.use(crons);
app.use(rateLimiter);
app.use(workflow);
app.use(workpool);

export default app;

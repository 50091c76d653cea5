import { defineApp } from "convex/server";
import workpool from "../../../../src/component/convex.config.js";

const app = defineApp();
app.use(workpool);

export default app;

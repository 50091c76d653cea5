import { defineApp } from "convex/server";
import workpool from "../../../src/component/convex.config.js";

const app = defineApp();
app.use(workpool);
app.use(workpool, { name: "second" });

export default app;

import peer from "@convex-dev/workpool/convex.config.js";
import { defineApp } from "convex/server";
// By path: what is measured is the source as it is, never an older build.
import workpool from "../../../src/component/convex.config.js";

const app = defineApp();
app.use(workpool);
app.use(peer, { name: "peer" });

export default app;

import { defineApp } from "convex/server";
import counter from "../counter/convex.config";

const app = defineApp();
app.use(counter, { env: { STEP: "1" } });

export default app;

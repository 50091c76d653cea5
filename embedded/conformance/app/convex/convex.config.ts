import { defineApp } from "convex/server";
import ledger from "../ledger/convex.config";

const app = defineApp();
app.use(ledger, { httpPrefix: "/ledger/", env: { CURRENCY: "EUR" } });
app.use(ledger, { name: "second", env: { CURRENCY: "CHF" } });

export default app;

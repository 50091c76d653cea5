import { defineApp } from "convex/server";
import { v } from "convex/values";
import ledger from "../ledger/convex.config";

const app = defineApp({ env: { CURRENCY: v.string() } });
app.use(ledger, { httpPrefix: "/ledger/", env: { CURRENCY: "EUR" } });
app.use(ledger, { name: "second", env: { CURRENCY: app.env.CURRENCY } });

export default app;

import { defineComponent } from "convex/server";
import { v } from "convex/values";
import archive from "../archive/convex.config";

const component = defineComponent("ledger", { env: { CURRENCY: v.string() } });
component.use(archive);

export default component;

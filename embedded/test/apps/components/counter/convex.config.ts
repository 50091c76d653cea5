import { defineComponent } from "convex/server";
import { v } from "convex/values";
import journal from "../journal/convex.config";

const component = defineComponent("counter", { env: { STEP: v.string() } });
component.use(journal);
export default component;

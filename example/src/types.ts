import type { FunctionReturnType } from "convex/server";
import type { api } from "../convex/_generated/api.js";

export type Endpoint = FunctionReturnType<typeof api.endpoints.list>[number];
type Page = FunctionReturnType<typeof api.deliveries.page>;
export type Delivery = Page["rows"][number];
export type Attempt = Delivery["attempts"][number];
export type Place = NonNullable<Page["next"]>;
export type DeliveryState = Endpoint["recent"][number];
export type Counts = Endpoint["counts"];

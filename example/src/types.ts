import type { FunctionReturnType } from "convex/server";
import type { api } from "../convex/_generated/api.js";

export type Endpoint = FunctionReturnType<typeof api.endpoints.list>[number];
export type Delivery = FunctionReturnType<
  typeof api.deliveries.recent
>["rows"][number];
export type DeliveryState = Endpoint["recent"][number];
export type Counts = Endpoint["counts"];

import type { DeliveryState } from "./types.js";

export type Health = "healthy" | "degraded" | "failing" | "quiet";

/** Judged by the endpoint's newest outcomes; a canceled delivery says nothing. */
export function healthOf(recent: readonly DeliveryState[]): Health {
  const succeeded = recent.filter((state) => state === "success").length;
  const failed = recent.filter((state) => state === "failed").length;
  if (succeeded + failed === 0) {
    return "quiet";
  }
  if (failed === 0) {
    return "healthy";
  }
  return succeeded === 0 ? "failing" : "degraded";
}

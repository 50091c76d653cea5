import { useConvexConnectionState } from "convex/react";

export function ConnectionState() {
  const { isWebSocketConnected, hasEverConnected } = useConvexConnectionState();
  const label = isWebSocketConnected
    ? "Live"
    : hasEverConnected
      ? "Reconnecting …"
      : "Connecting …";
  return (
    <p
      className="connection"
      role="status"
      aria-label="Connection"
      data-live={isWebSocketConnected || undefined}
    >
      {label}
    </p>
  );
}

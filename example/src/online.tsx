/** Whether Relay is reached, and buttons that act only while it is. */
import { useConvexConnectionState } from "convex/react";
import { useState, useSyncExternalStore, type ComponentProps } from "react";

export const OFFLINE =
  "Not connected: nothing can be changed until Relay is reached again.";

function subscribe(onChange: () => void): () => void {
  window.addEventListener("online", onChange);
  window.addEventListener("offline", onChange);
  return () => {
    window.removeEventListener("online", onChange);
    window.removeEventListener("offline", onChange);
  };
}

export function useOnline(): boolean {
  const { isWebSocketConnected } = useConvexConnectionState();
  const hasNetwork = useSyncExternalStore(subscribe, () => navigator.onLine);
  return isWebSocketConnected && hasNetwork;
}

export type Connection =
  | { state: "connecting" }
  | { state: "live" }
  | { state: "lost"; since: number };

export function useConnection(): Connection {
  const { hasEverConnected } = useConvexConnectionState();
  const isOnline = useOnline();
  const [lostAt, setLostAt] = useState<number | null>(null);
  const isLost = hasEverConnected && !isOnline;
  if (isLost !== (lostAt !== null)) {
    setLostAt(isLost ? Date.now() : null);
  }
  if (isOnline) return { state: "live" };
  return lostAt === null
    ? { state: "connecting" }
    : { state: "lost", since: lostAt };
}

/** A button that changes something: without a connection it says so and does nothing. */
export function ActButton({ disabled, ...props }: ComponentProps<"button">) {
  const isOnline = useOnline();
  return (
    <button
      type="button"
      title={isOnline ? undefined : OFFLINE}
      {...props}
      disabled={disabled || !isOnline}
    />
  );
}

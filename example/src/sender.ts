/** Talks to the demo's stand-in for GitHub. */
import { useEffect, useState } from "react";

export interface EventKind {
  name: string;
  samples: number;
}

const senderUrl = import.meta.env.VITE_SENDER_URL;

export const canSend = Boolean(senderUrl);

export async function sendEvents(order: {
  count: number;
  name?: string;
}): Promise<void> {
  const response = await fetch(`${senderUrl}/send`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(order),
  });
  if (!response.ok) {
    const { error } = (await response.json()) as { error: string };
    throw new Error(error);
  }
}

/** What can be sent; empty until it is known. */
export function useEventKinds(): EventKind[] {
  const [kinds, setKinds] = useState<EventKind[]>([]);
  useEffect(() => {
    const controller = new AbortController();
    fetch(`${senderUrl}/events`, { signal: controller.signal })
      .then((response) => response.json())
      .then((kinds: EventKind[]) => setKinds(kinds))
      // Without the list, events of any kind can still be sent.
      .catch(() => {});
    return () => controller.abort();
  }, []);
  return kinds;
}

/** What the page shows, as its address says it: pure. */
import type { DeliveryState, Place } from "./types.js";

export interface View {
  state?: DeliveryState;
  /** Its name. */
  endpoint?: string;
  /** Whose details are open; any text, as anybody can write an address. */
  delivery?: string;
  /** Where the page of the list begins. */
  from?: Place;
}

/** As the page calls them, and not as the database does. */
const STATES = new Map<string, DeliveryState>([
  ["pending", "open"],
  ["delivered", "success"],
  ["failed", "failed"],
  ["canceled", "canceled"],
]);

/** What makes no sense is left out. */
export function parseView(search: string): View {
  const params = new URLSearchParams(search);
  return {
    state: STATES.get(params.get("state") ?? ""),
    endpoint: params.get("endpoint") || undefined,
    delivery: params.get("delivery") || undefined,
    from: parsePlace(params.get("from")),
  };
}

/** The query part of an address, with its question mark; empty for the view that all begin with. */
export function formatView({ state, endpoint, delivery, from }: View): string {
  const params = new URLSearchParams();
  for (const [name, meant] of STATES) {
    if (meant === state) params.set("state", name);
  }
  if (endpoint) params.set("endpoint", endpoint);
  if (from) params.set("from", `${from.stage}-${from.acceptedAt}`);
  if (delivery) params.set("delivery", delivery);
  const search = params.toString();
  return search && `?${search}`;
}

function parsePlace(text: string | null): Place | undefined {
  const match = /^(\d)-(\d+(?:\.\d+)?)$/.exec(text ?? "");
  return match
    ? { stage: Number(match[1]), acceptedAt: Number(match[2]) }
    : undefined;
}

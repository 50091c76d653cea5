/** How a receiver answers: decided by what was asked, never by chance. */

export type Behavior = "healthy" | "slow" | "flaky" | "down" | "gone";

export type Reaction =
  | { kind: "answer"; status: number; text: string; afterMs: number }
  /** Never answers: the sender has to give up. */
  | { kind: "silence" }
  /** Cuts the connection. */
  | { kind: "hang-up" };

export interface Request {
  /** The idempotency key: the same for each attempt of a delivery. */
  webhookId: string;
  /** 1 for the first request with this id. */
  attempt: number;
  /** Since the receiver's first request of all. */
  sinceFirstMs: number;
}

const SLOW_MS = 250;
const OUTAGE_MS = 4_000;

const FLAKY_REACTIONS: Reaction[] = [
  answer(500, "unexpected nil in room lookup"),
  answer(429, "slow down, please"),
  { kind: "hang-up" },
  answer(503, "deploying, back in a moment"),
];

export function reactionTo(behavior: Behavior, request: Request): Reaction {
  const { webhookId, attempt, sinceFirstMs } = request;
  switch (behavior) {
    case "healthy":
      return answer(200, "ok");
    case "slow":
      return staysSilentAtFirst(webhookId) && attempt === 1
        ? { kind: "silence" }
        : answer(200, "ok, eventually", SLOW_MS);
    case "flaky":
      return attempt <= flakyFailures(webhookId)
        ? FLAKY_REACTIONS[(hash(webhookId) + attempt) % FLAKY_REACTIONS.length]!
        : answer(202, "posted");
    case "down":
      return sinceFirstMs < OUTAGE_MS
        ? answer(503, "maintenance")
        : answer(200, "ok");
    case "gone":
      return answer(410, "this integration was removed");
  }
}

/** How often the flaky receiver fails a delivery before it takes it. */
export function flakyFailures(webhookId: string): number {
  return (hash(webhookId) >>> 8) % 4;
}

/** Whether the slow receiver lets a delivery's first attempt time out. */
export function staysSilentAtFirst(webhookId: string): boolean {
  return hash(webhookId) % 20 === 0;
}

function answer(status: number, text: string, afterMs = 0): Reaction {
  return { kind: "answer", status, text, afterMs };
}

/** FNV-1a: spreads similar ids well, and needs four lines. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  }
  return h >>> 0;
}

/** One local server that plays every receiver, and remembers what it saw. */
import {
  createServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { buffer } from "node:stream/consumers";
import { listen } from "../scripts/listen.js";
import { reactionTo, type Behavior } from "./behavior.js";
import { roster } from "./roster.js";
import { isSignedByRelay } from "./signature.js";

/** What a receiver saw of one delivery. */
export interface Seen {
  guid: string;
  /** The event's name. */
  event: string;
  requests: number;
  /** Answers of 2xx that reached the sender. */
  accepted: number;
  badSignatures: number;
}

export interface Receivers {
  url: string;
  /** By receiver, then by idempotency key. */
  seen(receiver: string): ReadonlyMap<string, Readonly<Seen>>;
  /** From now on nobody answers, until what this returns is called: for tests of what is under way. */
  hold(): () => void;
  /** From now on a receiver answers like this: for tests of what is mended. */
  behave(receiver: string, behavior: Behavior): void;
  close(): Promise<void>;
}

/** `secrets`: by receiver, what its webhooks are signed with. */
export async function startReceivers(
  secrets: ReadonlyMap<string, string>,
): Promise<Receivers> {
  let held = Promise.resolve();
  const behaviors = new Map(
    roster.map(({ name, behavior }) => [name, behavior]),
  );
  const logs = new Map(roster.map(({ name }) => [name, new ReceiverLog()]));
  const server = createServer((request, response) => {
    const name = request.url?.slice(1);
    const receiver = roster.find((candidate) => candidate.name === name);
    if (!receiver) {
      response.writeHead(404).end(`there is no receiver "${name}"`);
      return;
    }
    const secret = secrets.get(receiver.name)!;
    receive(
      behaviors.get(receiver.name)!,
      secret,
      logs.get(receiver.name)!,
      request,
      response,
      () => held,
    ).catch(
      // The sender went away in the middle of its request: it will come again.
      () => response.destroy(),
    );
  });
  // Whoever closes an idle connection first may cut off a request that is just
  // coming in. That would be a failed attempt which no receiver has seen, so
  // closing is left to the sender.
  server.keepAliveTimeout = 0;
  const { url, close } = await listen(server);
  const hold = () => {
    let release = () => {};
    held = new Promise((resolve) => (release = resolve));
    return release;
  };
  return {
    url,
    close,
    hold,
    behave: (name, behavior) => behaviors.set(name, behavior),
    seen: (name) => logs.get(name)!.deliveries,
  };
}

class ReceiverLog {
  readonly deliveries = new Map<string, Seen>();
  private firstAt: number | undefined;

  note(
    webhookId: string,
    { guid, event }: Pick<Seen, "guid" | "event">,
  ): { seen: Seen; sinceFirstMs: number } {
    const now = performance.now();
    this.firstAt ??= now;
    let seen = this.deliveries.get(webhookId);
    if (!seen) {
      seen = { guid, event, requests: 0, accepted: 0, badSignatures: 0 };
      this.deliveries.set(webhookId, seen);
    }
    seen.requests += 1;
    return { seen, sinceFirstMs: now - this.firstAt };
  }
}

async function receive(
  behavior: Behavior,
  secret: string,
  log: ReceiverLog,
  request: IncomingMessage,
  response: ServerResponse,
  released: () => Promise<void>,
): Promise<void> {
  const body = await buffer(request);
  await released();
  const webhookId = String(request.headers["webhook-id"]);
  const { seen, sinceFirstMs } = log.note(webhookId, {
    guid: String(request.headers["x-github-delivery"]),
    event: String(request.headers["x-github-event"]),
  });
  if (!isSignedByRelay(secret, request.headers, body)) {
    seen.badSignatures += 1;
    response.writeHead(401).end("bad signature");
    return;
  }
  const attempt = seen.requests;
  const reaction = reactionTo(behavior, { webhookId, attempt, sinceFirstMs });
  switch (reaction.kind) {
    case "silence":
      return;
    case "hang-up":
      request.socket.destroy();
      return;
    case "answer": {
      const { status, text, afterMs } = reaction;
      const timer = setTimeout(() => {
        response.writeHead(status, { "content-type": "text/plain" }).end(text);
      }, afterMs);
      response.on("close", () => clearTimeout(timer));
      response.on("finish", () => {
        if (status < 300) {
          seen.accepted += 1;
        }
      });
    }
  }
}

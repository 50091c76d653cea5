/** Lets the page ask for events: what a click on GitHub would do for real. */
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { listen } from "../scripts/listen.js";
import { samples } from "./samples.js";
import type { Sender } from "./sender.js";

const MAX_EVENTS_PER_REQUEST = 1_000;

const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "content-type",
};

/**
 * `GET /events` lists the events and how many samples there are of each;
 * `POST /send` with `{ count, name? }` sends some and answers when Relay has
 * accepted them.
 */
export async function startSenderServer(sender: Sender) {
  const server = createServer(async (request, response) => {
    const answer = (status: number, value: unknown) =>
      response
        .writeHead(status, { ...CORS, "content-type": "application/json" })
        .end(JSON.stringify(value));
    try {
      switch (`${request.method} ${request.url}`) {
        case "OPTIONS /send":
          answer(200, null);
          return;
        case "GET /events":
          answer(200, countByName());
          return;
        case "POST /send": {
          const { count, name } = parseOrder(await json(request));
          const sent = await sender.sendAll(sender.take(count, name));
          answer(200, { sent: sent.length });
          return;
        }
        default:
          answer(404, { error: `there is no ${request.url}` });
      }
    } catch (error) {
      answer(400, { error: error instanceof Error ? error.message : error });
    }
  });
  return listen(server);
}

function countByName(): Array<{ name: string; samples: number }> {
  const counts = new Map<string, number>();
  for (const { name } of samples) {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return Array.from(counts, ([name, samples]) => ({ name, samples }));
}

function parseOrder(value: unknown): { count: number; name?: string } {
  const { count, name } = (value ?? {}) as { count?: unknown; name?: unknown };
  if (
    typeof count !== "number" ||
    !Number.isInteger(count) ||
    count < 1 ||
    count > MAX_EVENTS_PER_REQUEST
  ) {
    throw new Error(
      `count is ${JSON.stringify(count)}; it must be an integer from 1 to ${MAX_EVENTS_PER_REQUEST}`,
    );
  }
  if (name !== undefined && typeof name !== "string") {
    throw new Error(`name is ${JSON.stringify(name)}; it must be a string`);
  }
  return { count, name };
}

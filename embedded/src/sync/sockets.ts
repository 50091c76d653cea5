/** WebSockets of the sync protocol: heartbeats, serialization, back-pressure. */
import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import { describe } from "../http/describe.js";
import { ApiError, toApiError } from "../http/errors.js";
import { requestUrl } from "../http/url.js";
import type { Visitors } from "../http/visitors.js";
import type { SyncBackend } from "./backend.js";
import { serialize } from "./chunks.js";
import type { ServerMessage } from "./protocol.js";
import { SyncSession } from "./session.js";

/** "/api/sync" or "/api/<npm version>/sync" */
const SYNC_PATH = /^\/api\/(?:([^/]+)\/)?sync$/;
/** Arguments of 16 MiB, and what JSON adds. */
const MAX_CLIENT_MESSAGE_BYTES = 64 * 1024 * 1024;
const HEARTBEAT_MS = 5_000;
/** A Ping message after this long without any other: what the client's watchdog waits for. */
const IDLE_PING_MS = 15_000;
const CLIENT_TIMEOUT_MS = 120_000;
/** Transitions on their way to one client; the next waits until one has left. */
const MAX_UNSENT_TRANSITIONS = 2;
/** The first version of the npm package that puts chunks together. */
const CHUNKS_SINCE = [1, 28, 0] as const;
const GOING_AWAY = 1001;

export class SyncSockets {
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_CLIENT_MESSAGE_BYTES,
  });
  readonly #backend: SyncBackend;
  readonly #visitors: Visitors;
  readonly #heartbeats = new Map<WebSocket, () => void>();
  readonly #interval: NodeJS.Timeout;

  constructor(backend: SyncBackend, visitors: Visitors) {
    this.#backend = backend;
    this.#visitors = visitors;
    this.#interval = setInterval(() => {
      for (const beat of [...this.#heartbeats.values()]) beat();
    }, HEARTBEAT_MS);
    this.#interval.unref();
  }

  /** For the HTTP server's "upgrade" event. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Nobody else listens to it from here on: a client that has gone away is no news.
    socket.on("error", () => {});
    try {
      this.#visitors.check(request.headers);
      const { pathname } = requestUrl(request);
      const match = SYNC_PATH.exec(pathname);
      if (match === null) {
        throw new ApiError(
          404,
          "NotFound",
          `There are no WebSockets at ${describe(pathname)}, only at /api/sync.`,
        );
      }
      this.#server.handleUpgrade(request, socket, head, (ws) =>
        this.#accept(ws, supportsChunks(match[1])),
      );
    } catch (error) {
      if (!(error instanceof ApiError)) this.#backend.onInternalError(error);
      refuse(socket, toApiError(error));
    }
  }

  #accept(ws: WebSocket, chunks: boolean): void {
    let lastReceived = performance.now();
    let lastSent = performance.now();
    let unsent = 0;

    const send = (message: ServerMessage): void => {
      if (ws.readyState !== ws.OPEN) return;
      lastSent = performance.now();
      const parts = serialize(message, chunks);
      const counts = message.type === "Transition";
      if (counts) unsent += 1;
      for (const [position, part] of parts.entries()) {
        const isLast = position === parts.length - 1;
        ws.send(part, () => {
          if (!isLast || !counts) return;
          unsent -= 1;
          session.resume();
        });
      }
    };

    const session = new SyncSession(this.#backend, {
      send,
      close: (code, reason) => ws.close(code, reason),
      get congested() {
        return unsent >= MAX_UNSENT_TRANSITIONS;
      },
    });

    ws.on("message", (data, isBinary) => {
      lastReceived = performance.now();
      if (isBinary) return ws.close(1011, "InternalServerError");
      session.receive((data as Buffer).toString("utf8"));
    });
    ws.on("pong", () => {
      lastReceived = performance.now();
    });
    // A "close" follows.
    ws.on("error", () => {});
    ws.on("close", () => {
      this.#heartbeats.delete(ws);
      session.dispose();
    });
    this.#heartbeats.set(ws, () => {
      const now = performance.now();
      if (now - lastReceived > CLIENT_TIMEOUT_MS) return ws.terminate();
      ws.ping();
      if (now - lastSent > IDLE_PING_MS) send({ type: "Ping" });
    });
  }

  /** Clients see the deployment go away, and come back when it is there again. */
  close(): void {
    clearInterval(this.#interval);
    for (const ws of this.#heartbeats.keys()) {
      ws.close(GOING_AWAY);
      setImmediate(() => ws.terminate());
    }
    this.#server.close();
  }
}

/** In place of a WebSocket. */
function refuse(socket: Duplex, { status, code, message }: ApiError): void {
  const body = JSON.stringify({ code, message });
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      "Connection: close",
      "Content-Type: application/json",
      `Content-Length: ${Buffer.byteLength(body)}`,
      "",
      body,
    ].join("\r\n"),
  );
}

function supportsChunks(version: string | undefined): boolean {
  const match = /^(\d+)\.(\d+)\.(\d+)/.exec(version ?? "");
  if (match === null) return false;
  for (const [position, least] of CHUNKS_SINCE.entries()) {
    const part = Number(match[position + 1]);
    if (part !== least) return part > least;
  }
  return true;
}

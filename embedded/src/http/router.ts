/** Routes requests of the API to handlers, and writes what they answer. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Caller } from "../runtime/types.js";
import { readJson } from "./body.js";
import { ApiError } from "./errors.js";
import { callerOf, invalidKey } from "./identity.js";
import { handleCors, replyError, replyJson, replyText } from "./reply.js";
import { requestUrl } from "./url.js";
import type { Visitors } from "./visitors.js";

/** Arguments may have 16 MiB, and pushes carry whole applications. */
const MAX_BODY_BYTES = 100 * 1024 * 1024;

export interface RequestInfo {
  url: URL;
  ip: string | null;
  userAgent: string | null;
  /** "npm-1.48.0", from the Convex-Client header. */
  clientVersion: string | null;
  /** Resolves once the client has gone away. */
  disconnected: AbortSignal;
  json(): Promise<unknown>;
  /** Throws for a wrong key or a user's token. */
  caller(): Caller;
  /** Throws unless the request carries the admin key, in its header or in `body.adminKey`. */
  requireAdmin(body?: unknown): void;
}

/** What it returns is sent as JSON; a {@link TextReply} as text. */
export type Handler = (info: RequestInfo) => unknown;

export class TextReply {
  constructor(readonly text: string) {}
}

export interface Routes {
  /** "METHOD /path" */
  exact: Record<string, Handler>;
  /** "METHOD /path/" followed by anything. */
  prefixes?: Record<string, Handler>;
}

export function createRequestListener(
  routes: Routes[],
  options: {
    isAdminKey(key: string): boolean;
    visitors: Visitors;
    onInternalError(error: unknown): void;
  },
): (request: IncomingMessage, response: ServerResponse) => void {
  const exact = new Map(routes.flatMap((each) => Object.entries(each.exact)));
  const prefixes = routes.flatMap((each) =>
    Object.entries(each.prefixes ?? {}),
  );

  const find = (method: string, path: string): Handler => {
    const key = `${method} ${path}`;
    const handler =
      exact.get(key) ??
      prefixes.find(([prefix]) => key.startsWith(prefix))?.[1];
    if (handler !== undefined) return handler;
    throw new ApiError(
      404,
      "NotFound",
      `The embedded deployment has no ${method} ${path}.`,
    );
  };

  const handle = async (
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> => {
    const url = requestUrl(request);
    const handler = find(request.method ?? "GET", url.pathname);
    const reply = await handler(
      requestInfo(request, response, url, options.isAdminKey),
    );
    if (reply instanceof TextReply) replyText(response, 200, reply.text);
    else replyJson(response, 200, reply ?? null);
  };

  return (request, response) => {
    const visit = async () => {
      options.visitors.check(request.headers);
      if (!handleCors(request, response)) await handle(request, response);
    };
    visit().catch((error: unknown) => {
      if (!(error instanceof ApiError)) options.onInternalError(error);
      replyError(response, error);
    });
  };
}

function requestInfo(
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
  isAdminKey: (key: string) => boolean,
): RequestInfo {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const client = request.headers["convex-client"];
  const caller = () => callerOf(request.headers, isAdminKey);
  return {
    url,
    ip: request.socket.remoteAddress ?? null,
    userAgent: request.headers["user-agent"] ?? null,
    clientVersion: typeof client === "string" ? client : null,
    disconnected: gone.signal,
    json: () => readJson(request, MAX_BODY_BYTES),
    caller,
    requireAdmin(body) {
      if (caller().kind === "admin") return;
      const key = (body as { adminKey?: unknown } | null)?.adminKey;
      if (typeof key !== "string" || !isAdminKey(key)) throw invalidKey();
    },
  };
}

import type { IncomingMessage, ServerResponse } from "node:http";
import { toApiError } from "./errors.js";

export function replyJson(
  response: ServerResponse,
  status: number,
  body: unknown,
): void {
  reply(response, status, "application/json", JSON.stringify(body));
}

export function replyText(
  response: ServerResponse,
  status: number,
  body: string,
): void {
  reply(response, status, "text/plain; charset=utf-8", body);
}

function reply(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
  });
  response.end(body);
}

export function replyError(response: ServerResponse, error: unknown): void {
  const { status, code, message } = toApiError(error);
  // What is left of a refused body would be taken for the next request.
  if (status === 413) response.setHeader("connection", "close");
  replyJson(response, status, { code, message });
}

/** For pages that may call. True: it was a preflight, and is answered. */
export function handleCors(
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const { origin } = request.headers;
  if (origin !== undefined) {
    response.setHeader("access-control-allow-origin", origin);
    response.setHeader("access-control-allow-credentials", "true");
    response.setHeader("vary", "origin");
  }
  if (
    request.method !== "OPTIONS" ||
    request.headers["access-control-request-method"] === undefined
  ) {
    return false;
  }
  const headers = request.headers["access-control-request-headers"];
  if (headers !== undefined) {
    response.setHeader("access-control-allow-headers", headers);
  }
  response.setHeader(
    "access-control-allow-methods",
    "GET,POST,PUT,DELETE,PATCH,OPTIONS",
  );
  response.setHeader("access-control-max-age", "86400");
  response.writeHead(200).end();
  return true;
}

/** The site's server: HTTP actions, and nothing else. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { FunctionRunner } from "../runtime/types.js";
import { ApiError } from "./errors.js";
import { replyError } from "./reply.js";
import { requestUrl } from "./url.js";
import type { Visitors } from "./visitors.js";

const MAX_BODY_BYTES = 20 * 1024 * 1024;

/** Those that the Request of the standard library refuses. */
const UNSUPPORTED_METHODS = ["CONNECT", "TRACE"];

export function createSiteListener(
  runner: FunctionRunner,
  visitors: Visitors,
  onInternalError: (error: unknown) => void,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const handle = async () => {
      // Which pages may call is for the app to say, as on Convex.
      visitors.checkHost(request.headers);
      const answer = await runner.httpAction(toWebRequest(request));
      await writeWebResponse(answer, response, request.method === "HEAD");
    };
    handle().catch((error: unknown) => {
      if (response.destroyed) return;
      if (!(error instanceof ApiError)) onInternalError(error);
      if (response.headersSent) response.destroy();
      else replyError(response, error);
    });
  };
}

function toWebRequest(request: IncomingMessage): Request {
  const { method = "GET", headers } = request;
  if (UNSUPPORTED_METHODS.includes(method)) {
    throw new ApiError(
      405,
      "MethodNotAllowed",
      `HTTP actions cannot be called with ${method}.`,
    );
  }
  const scheme = headers["x-forwarded-proto"] === "https" ? "https" : "http";
  const url = requestUrl(request, `${scheme}://${headers.host ?? "localhost"}`);
  const webHeaders = new Headers();
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    webHeaders.append(request.rawHeaders[i]!, request.rawHeaders[i + 1]!);
  }
  if (["GET", "HEAD", "OPTIONS"].includes(method)) {
    return new Request(url, { method, headers: webHeaders });
  }
  if (Number(headers["content-length"] ?? 0) > MAX_BODY_BYTES) {
    throw tooLarge();
  }
  return new Request(url, {
    method,
    headers: webHeaders,
    body: Readable.toWeb(
      Readable.from(bounded(request)),
    ) as ReadableStream<Uint8Array>,
    duplex: "half",
  } as RequestInit);
}

async function* bounded(request: IncomingMessage): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw tooLarge();
    yield chunk;
  }
}

function tooLarge(): ApiError {
  return new ApiError(
    413,
    "RequestTooLarge",
    `The body of a request to an HTTP action may have up to ${MAX_BODY_BYTES} bytes.`,
  );
}

async function writeWebResponse(
  answer: Response,
  response: ServerResponse,
  headOnly: boolean,
): Promise<void> {
  for (const [name, value] of answer.headers) {
    if (name !== "set-cookie") response.setHeader(name, value);
  }
  const cookies = answer.headers.getSetCookie();
  if (cookies.length > 0) response.setHeader("set-cookie", cookies);
  response.writeHead(answer.status);
  if (answer.body === null || headOnly) {
    await answer.body?.cancel();
    response.end();
    return;
  }
  await pipeline(
    Readable.fromWeb(answer.body as Parameters<typeof Readable.fromWeb>[0]),
    response,
  );
}

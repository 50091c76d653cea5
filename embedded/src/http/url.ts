import type { IncomingMessage } from "node:http";
import { describe } from "./describe.js";
import { badRequest } from "./errors.js";

/** What a request asks for. The name in front of it is of no account. */
export function requestUrl(
  request: IncomingMessage,
  base = "http://deployment",
): URL {
  const target = request.url ?? "/";
  if (!URL.canParse(target, base)) {
    throw badRequest("InvalidUrl", `${describe(target)} is not a URL.`);
  }
  return new URL(target, base);
}

/** Who sends a request: nobody in particular, or an administrator. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Caller } from "../runtime/types.js";
import { ApiError } from "./errors.js";

const CODE = "AuthNotSupported";

/** What a client that sends a user's token is told. */
export function refuseUserToken(): string {
  return `${CODE}: The embedded deployment has no user authentication: ctx.auth is always anonymous. Remove the token (do not call setAuth), or use Convex Cloud or a self-hosted backend.`;
}

/** Takes the same time whatever `key` is. */
export function createKeyCheck(adminKey: string): (key: string) => boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  const expected = digest(adminKey);
  return (key) => timingSafeEqual(digest(key), expected);
}

export function invalidKey(): ApiError {
  return new ApiError(
    401,
    "BadDeployKey",
    "The provided deploy key was invalid for this deployment. Use the adminKey that the deployment printed when it started.",
  );
}

/** Throws for a wrong key and for any user's token. */
export function callerOf(
  headers: IncomingHttpHeaders,
  isAdminKey: (key: string) => boolean,
): Caller {
  const authorization = headers.authorization;
  if (authorization === undefined) return { kind: "client" };
  const [, scheme = "", token = ""] =
    /^(\S+)\s+(.*)$/.exec(authorization) ?? [];
  switch (scheme.toLowerCase()) {
    case "convex":
      if (isAdminKey(token)) return { kind: "admin" };
      // "key:identity" acts as a user.
      if (isAdminKey(token.slice(0, token.lastIndexOf(":")))) {
        throw userTokenError();
      }
      throw invalidKey();
    case "bearer":
      throw userTokenError();
    default:
      throw new ApiError(
        401,
        "InvalidAuthHeader",
        'The Authorization header must be "Convex <admin key>".',
      );
  }
}

function userTokenError(): ApiError {
  return new ApiError(401, CODE, refuseUserToken());
}

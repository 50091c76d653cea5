/**
 * Checks Relay's signatures as a receiver would: with a library of its own, so
 * that an error in Relay's signing cannot hide behind the same error here.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

export function isSignedByRelay(
  secret: string,
  headers: IncomingHttpHeaders,
  body: Buffer,
): boolean {
  const prefix = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`;
  const expected = createHmac("sha256", secret)
    .update(prefix)
    .update(body)
    .digest("base64");
  const actual = headers["webhook-signature"];
  const [a, b] = [`v1,${expected}`, String(actual)].map((text) =>
    Buffer.from(text),
  ) as [Buffer, Buffer];
  return a.length === b.length && timingSafeEqual(a, b);
}

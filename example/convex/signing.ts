/** HMAC-SHA-256 signatures: checking GitHub's, making ours. */

const encoder = new TextEncoder();

/** Whether `header` (`sha256=<hex>`) is GitHub's signature of `body`. */
export async function isSignedByGitHub(
  secret: string,
  body: ArrayBuffer,
  header: string | null,
): Promise<boolean> {
  const hex = /^sha256=([0-9a-f]{64})$/.exec(header ?? "")?.[1];
  if (hex === undefined) {
    return false;
  }
  const signature = Uint8Array.from(hex.match(/../g)!, (byte) =>
    parseInt(byte, 16),
  );
  // `verify` compares in constant time; comparing strings would tell an
  // attacker, by its duration, how much of a guess was right.
  return crypto.subtle.verify("HMAC", await hmacKey(secret), signature, body);
}

/**
 * The headers that authenticate an outgoing webhook, as
 * https://www.standardwebhooks.com lays down. `id` is the idempotency key: the
 * same for every attempt, so that the receiver can tell a repetition.
 */
export async function signedHeaders(
  secret: string,
  id: string,
  timestamp: number,
  body: string,
): Promise<Record<string, string>> {
  const signature = await crypto.subtle.sign(
    "HMAC",
    await hmacKey(secret),
    encoder.encode(`${id}.${timestamp}.${body}`),
  );
  const base64 = btoa(String.fromCharCode(...new Uint8Array(signature)));
  return {
    "webhook-id": id,
    "webhook-timestamp": `${timestamp}`,
    "webhook-signature": `v1,${base64}`,
  };
}

function hmacKey(secret: string): Promise<CryptoKey> {
  return crypto.subtle.importKey(
    "raw",
    encoder.encode(secret),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign", "verify"],
  );
}

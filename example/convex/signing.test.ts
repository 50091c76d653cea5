import { createHmac } from "node:crypto";
import { expect, test } from "vitest";
import { isSignedByGitHub, signedHeaders } from "./signing.js";

function bytes(text: string): ArrayBuffer {
  return new TextEncoder().encode(text).buffer;
}

// The example of GitHub's documentation.
const SECRET = "It's a Secret to Everybody";
const BODY = "Hello, World!";
const SIGNATURE =
  "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

test("GitHub's own example is accepted", async () => {
  expect(await isSignedByGitHub(SECRET, bytes(BODY), SIGNATURE)).toBe(true);
});

test.each([
  ["no signature", null],
  ["an empty one", ""],
  ["one of another algorithm", SIGNATURE.replace("sha256", "sha1")],
  ["one that is cut off", SIGNATURE.slice(0, -1)],
  ["one of another body", SIGNATURE.replace("757107", "757108")],
])("%s is refused", async (_, signature) => {
  expect(await isSignedByGitHub(SECRET, bytes(BODY), signature)).toBe(false);
});

test("what is sent is signed over id, time and body", async () => {
  const headers = await signedHeaders("s3cret", "e1.audit", 1700000000, "{}");
  const hmac = createHmac("sha256", "s3cret").update("e1.audit.1700000000.{}");
  expect(headers).toEqual({
    "webhook-id": "e1.audit",
    "webhook-timestamp": "1700000000",
    "webhook-signature": `v1,${hmac.digest("base64")}`,
  });
});

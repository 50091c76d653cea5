import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readText } from "../../src/http/body.js";
import { replyError, replyText } from "../../src/http/reply.js";

const LIMIT = 1000;
let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    readText(request, LIMIT).then(
      (text) => replyText(response, 200, text),
      (error: unknown) => replyError(response, error),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});

afterAll(() => {
  server.close();
  server.closeAllConnections();
});

function send(
  body: Uint8Array<ArrayBuffer> | string,
  encoding?: string,
): Promise<Response> {
  return fetch(url, {
    method: "POST",
    body,
    ...(encoding === undefined
      ? {}
      : { headers: { "content-encoding": encoding } }),
  });
}

test.each([
  ["br", brotliCompressSync],
  ["gzip", gzipSync],
  ["deflate", deflateSync],
])("bodies may come in %s", async (encoding, compress) => {
  const answer = await send(new Uint8Array(compress("tschüss")), encoding);
  expect(await answer.text()).toBe("tschüss");
});

test("a body may be as long as the limit, and no longer", async () => {
  expect((await send("x".repeat(LIMIT))).status).toBe(200);
  expect((await send("x".repeat(LIMIT + 1))).status).toBe(413);
});

test("the limit counts what a compressed body unfolds to", async () => {
  const small = gzipSync("x".repeat(2 * LIMIT));
  expect(small.length).toBeLessThan(LIMIT);
  expect((await send(new Uint8Array(small), "gzip")).status).toBe(413);
});

test("a body that is not what it says is the client's mistake", async () => {
  const broken = await send("this is no gzip", "gzip");
  expect(broken.status).toBe(400);
  expect(await broken.json()).toMatchObject({ code: "InvalidBody" });
  const unknown = await send("?", "zstd");
  expect(unknown.status).toBe(415);
});

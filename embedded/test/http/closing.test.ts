import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startDeployment } from "../../src/index.js";
import { deployApp } from "../cli/convex.js";

const api = anyApi as any;
let gate: Server;
let url: string;
/** Requests that wait for their answer. */
let waiting: ServerResponse[];
let onRequest: () => void;

beforeEach(async () => {
  waiting = [];
  onRequest = () => {};
  gate = createServer((_request, response) => {
    waiting.push(response);
    onRequest();
  });
  gate.listen(0, "127.0.0.1");
  await once(gate, "listening");
  url = `http://127.0.0.1:${(gate.address() as AddressInfo).port}/`;
});

afterEach(() => {
  gate.close();
  gate.closeAllConnections();
});

function requests(count: number): Promise<void> {
  return new Promise((resolve) => {
    onRequest = () => {
      if (waiting.length >= count) resolve();
    };
    onRequest();
  });
}

test("a deployment closes while functions are running, and they harm nothing when they go on", async () => {
  const logged: string[] = [];
  const rejections: unknown[] = [];
  const onRejection = (reason: unknown) => rejections.push(reason);
  process.on("unhandledRejection", onRejection);
  const deployment = await startDeployment({
    onLog: (message) => logged.push(message),
  });
  await deployApp("basic", deployment);
  const client = new ConvexHttpClient(deployment.url, { logger: false });

  const called = client
    .action(api.messages.waitThenSend, { url })
    .catch((error: unknown) => error);
  await client.mutation(api.messages.waitLater, { url });
  await requests(2);
  await deployment.close();
  expect(await called).toBeInstanceOf(Error);

  for (const response of waiting) response.end();
  // Both functions have their answer once their connections are done with.
  gate.closeIdleConnections();
  await new Promise((resolve) => gate.close(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", onRejection);
  expect(rejections).toEqual([]);
  expect(logged).toEqual([]);
}, 30_000);

/** Clients come back as soon as a port is open, which is before there is anything to answer with. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { answerLater, upgradeLater } from "../../src/http/patient.js";

test("whoever comes before there is an answer waits for it", async () => {
  const server = createServer();
  const answer = answerLater(server);
  const upgrade = upgradeLater(server);
  let requests = 0;
  server.on("request", () => requests++);
  server.on("upgrade", () => requests++);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const sockets = new WebSocketServer({ noServer: true });

  const response = fetch(`http://127.0.0.1:${port}/`);
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
  const gone = new WebSocket(`ws://127.0.0.1:${port}/`);
  gone.on("error", () => {});
  await expect.poll(() => requests).toBe(3);
  gone.terminate();

  answer((_request, reply) => reply.end("here now"));
  upgrade((request, stream, head) =>
    sockets.handleUpgrade(request, stream, head, (ws) => ws.send("here too")),
  );
  expect(await (await response).text()).toBe("here now");
  const [message] = await once(socket, "message");
  expect(String(message)).toBe("here too");
  // And from then on.
  const later = await fetch(`http://127.0.0.1:${port}/`);
  expect(await later.text()).toBe("here now");

  socket.terminate();
  server.close();
  server.closeAllConnections();
});

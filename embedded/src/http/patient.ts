/**
 * Servers that listen before there is anything to answer with: a deployment has
 * to know its addresses to start, and its clients come back as soon as its port is open.
 */
import type { IncomingMessage, RequestListener, Server } from "node:http";
import type { Duplex } from "node:stream";

type Answer = RequestListener;
type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/**
 * Whoever comes to `server` waits until there is an `answer`. Node itself never
 * answers somebody who came before there was a listener.
 */
export function answerLater(server: Server): (answer: Answer) => void {
  const [ready, resolve] = later<Answer>();
  server.on("request", (request, response) => {
    void ready.then((answer) => answer(request, response));
  });
  return resolve;
}

/** The same for requests of WebSockets. */
export function upgradeLater(server: Server): (upgrade: Upgrade) => void {
  const [ready, resolve] = later<Upgrade>();
  server.on("upgrade", (request, socket: Duplex, head) => {
    // A client that goes away meanwhile is no news.
    socket.on("error", () => {});
    void ready.then((upgrade) => upgrade(request, socket, head));
  });
  return resolve;
}

function later<T>(): [Promise<T>, (value: T) => void] {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return [promise, resolve];
}

/** The sync protocol by hand: for what the official client hides. */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import WebSocket from "ws";

export interface Version {
  querySet: number;
  identity: number;
  ts: string;
}

/** Whatever the server says; cases look at the fields that matter to them. */
export type ServerMessage = { type: string } & Record<string, any>;

export class Socket {
  readonly received: ServerMessage[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  private readonly socket: WebSocket;
  private readonly watchers: (() => void)[] = [];
  private querySet = 0;
  private isClosed = false;

  private constructor(url: string) {
    this.socket = new WebSocket(`${url.replace("http", "ws")}/api/1.48.0/sync`);
    this.socket.on("message", (data: Buffer) => {
      this.received.push(JSON.parse(data.toString()) as ServerMessage);
      this.wake();
    });
    this.socket.on("error", () => {});
    this.closed = new Promise((resolve) =>
      this.socket.on("close", (code, reason) => {
        this.isClosed = true;
        resolve({ code, reason: reason.toString() });
        this.wake();
      }),
    );
  }

  /** Open, and introduced to the server. */
  static async connect(
    url: string,
    hello: Record<string, unknown> = {},
  ): Promise<Socket> {
    const socket = new Socket(url);
    await once(socket.socket, "open");
    socket.send({
      type: "Connect",
      sessionId: randomUUID(),
      connectionCount: 0,
      lastCloseReason: null,
      clientTs: Date.now(),
      ...hello,
    });
    return socket;
  }

  send(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  /** Asks for a query; gives the number of it. */
  add(queryId: number, udfPath: string, args: object, more = {}): void {
    this.modify({ type: "Add", queryId, udfPath, args: [args], ...more });
  }

  remove(queryId: number): void {
    this.modify({ type: "Remove", queryId });
  }

  modify(...modifications: object[]): void {
    this.send({
      type: "ModifyQuerySet",
      baseVersion: this.querySet,
      newVersion: ++this.querySet,
      modifications,
    });
  }

  mutate(requestId: number, udfPath: string, args: object): void {
    this.send({ type: "Mutation", requestId, udfPath, args: [args] });
  }

  act(requestId: number, udfPath: string, args: object): void {
    this.send({ type: "Action", requestId, udfPath, args: [args] });
  }

  /** The first message, also among those received before, of which `accepts` is true. */
  async message(
    accepts: (message: ServerMessage) => boolean,
  ): Promise<ServerMessage> {
    for (;;) {
      const found = this.received.find(accepts);
      if (found !== undefined) return found;
      if (this.isClosed) {
        throw new Error(
          `The socket was closed; received ${JSON.stringify(this.received)}`,
        );
      }
      await new Promise<void>((resolve) => this.watchers.push(resolve));
    }
  }

  of(type: string): Promise<ServerMessage> {
    return this.message((message) => message.type === type);
  }

  response(requestId: number): Promise<ServerMessage> {
    return this.message(
      (message) =>
        message.type.endsWith("Response") && message.requestId === requestId,
    );
  }

  /** The first transition that changed this query. */
  async changed(queryId: number): Promise<ServerMessage> {
    return this.message(
      ({ type, modifications }) =>
        type === "Transition" &&
        modifications.some((each: any) => each.queryId === queryId),
    );
  }

  get transitions(): ServerMessage[] {
    return this.received.filter(({ type }) => type === "Transition");
  }

  close(): void {
    this.socket.close();
  }

  /** As when the network is gone. */
  terminate(): void {
    this.socket.terminate();
  }

  private wake(): void {
    for (const watcher of this.watchers.splice(0)) watcher();
  }
}

/** Timestamps travel as base64 of a little-endian u64. */
export function decodeTs(ts: string): bigint {
  return Buffer.from(ts, "base64").readBigUInt64LE();
}

export function encodeTs(ts: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(ts);
  return bytes.toString("base64");
}

/**
 * The deployment that is attacked. It runs in the process of the tests, so what
 * would take it down takes them down; and everything it says is listened to.
 */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, expect, inject } from "vitest";
import { WebSocket } from "ws";
import {
  startDeployment,
  type Deployment,
  type DeploymentOptions,
} from "../../embedded/src/index.js";

export interface Answer {
  status: number;
  headers: Headers;
  /** What the text is as JSON, or the text. */
  body: any;
}

export interface Closed {
  code: number;
  reason: string;
  /** What it was sent before, parsed. */
  messages: any[];
}

export class Victim {
  constructor(
    readonly deployment: Deployment,
    /** What it logged. */
    readonly log: string[],
  ) {}

  /** Everything it ever answered. */
  readonly said: string[] = [];

  /** One for all tests of a file. After each of them it must be well, and have kept its secret. */
  static forThisFile(options: DeploymentOptions = {}): () => Victim {
    let victim: Victim;
    let dataDir: string;
    beforeAll(async () => {
      dataDir = await mkdtemp(path.join(tmpdir(), "workpool-hostile-"));
      await cp(inject("hostileApp"), dataDir, { recursive: true });
      const log: string[] = [];
      const deployment = await startDeployment({
        dataDir,
        onLog: (line) => void log.push(line),
        ...options,
      });
      victim = new Victim(deployment, log);
    });
    afterEach(() => victim.expectWell());
    afterAll(async () => {
      await victim.deployment.close();
      await rm(dataDir, { recursive: true });
    });
    return () => victim;
  }

  get admin(): Record<string, string> {
    return { authorization: `Convex ${this.deployment.adminKey}` };
  }

  /** A body that is no string or buffer is sent as JSON. */
  async post(
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const isRaw = typeof body === "string" || body instanceof Uint8Array;
    return await this.fetch(`${this.deployment.url}${path}`, {
      method: "POST",
      body: isRaw ? (body as string) : JSON.stringify(body),
      headers: { "content-type": "application/json", ...headers },
    });
  }

  async fetch(url: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(url, init);
    const text = await response.text();
    this.said.push(text, ...[...response.headers].flat());
    const { status, headers } = response;
    return { status, headers, body: parsed(text) };
  }

  /** Bytes as they are, to the API or the site; what comes back until the connection ends. */
  async raw(
    bytes: string | Uint8Array,
    url = this.deployment.url,
  ): Promise<string> {
    const socket = await this.connect(url);
    let answer = "";
    socket.on("data", (data) => (answer += data.toString("latin1")));
    const closed = new Promise((resolve) => socket.on("close", resolve));
    socket.write(bytes);
    await closed;
    this.said.push(answer);
    return answer;
  }

  async connect(url = this.deployment.url): Promise<Socket> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.on("error", () => {});
    await new Promise((resolve) => socket.on("connect", resolve));
    return socket;
  }

  /** Sends messages over the sync protocol; resolves when the deployment has closed the socket. */
  async sync(
    ...messages: (string | Buffer | { binary: Buffer } | object)[]
  ): Promise<Closed> {
    const socket = new WebSocket(this.syncUrl);
    const received: any[] = [];
    socket.on("message", (data) => {
      this.said.push(String(data));
      received.push(parsed(String(data)));
    });
    await new Promise((resolve, reject) =>
      socket.on("open", resolve).on("error", reject),
    );
    const closed = new Promise<Closed>((resolve) =>
      socket.on("close", (code, reason) =>
        resolve({ code, reason: String(reason), messages: received }),
      ),
    );
    socket.on("error", () => {});
    for (const message of messages) {
      if (typeof message === "string") socket.send(message);
      else if (message instanceof Buffer) {
        // As text, though it may be none.
        socket.send(message, { binary: false });
      } else if ("binary" in message) {
        socket.send(message.binary as Buffer, { binary: true });
      } else socket.send(JSON.stringify(message));
    }
    return await closed;
  }

  get syncUrl(): string {
    return `${this.deployment.url.replace("http", "ws")}/api/1.48.0/sync`;
  }

  /** Answers as ever, met nothing unforeseen, and has told nobody its key. */
  async expectWell(): Promise<void> {
    const { status, body } = await this.post("/api/query", {
      path: "notes:count",
      args: {},
    });
    const log = this.log.splice(0);
    const said = this.said.splice(0);
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { status: "success" },
    });
    expect(log.filter((line) => line.includes("Internal error"))).toEqual([]);
    const [, secret = ""] = this.deployment.adminKey.split("|");
    for (const words of [...log, ...said]) {
      for (let start = 0; start + 16 <= secret.length; start += 8) {
        const piece = secret.slice(start, start + 16);
        if (words.includes(piece)) expect(words).not.toContain(piece);
      }
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

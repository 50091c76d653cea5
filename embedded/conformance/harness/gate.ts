/** A server that answers when it is told to: how a case holds an action in its middle. */
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll } from "vitest";

export class Gate {
  private server: Server | null = null;
  private readonly waiting = new Map<string, ServerResponse>();
  private readonly watchers: (() => void)[] = [];

  async listen(): Promise<void> {
    this.server = createServer((request, response) => {
      this.waiting.set(request.url!.slice(1), response);
      for (const watcher of this.watchers.splice(0)) watcher();
    });
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
  }

  /** What an action fetches to wait here. */
  url(name: string): string {
    const { port } = this.server!.address() as AddressInfo;
    return `http://127.0.0.1:${port}/${name}`;
  }

  /** Resolves once an action waits at that name. */
  async arrived(name: string): Promise<void> {
    while (!this.waiting.has(name)) {
      await new Promise<void>((resolve) => this.watchers.push(resolve));
    }
  }

  /** Lets the action that waits there go on. */
  open(name: string): void {
    const response = this.waiting.get(name);
    if (response === undefined) throw new Error(`Nobody waits at "${name}".`);
    this.waiting.delete(name);
    response.end();
  }

  close(): void {
    this.server?.close();
    this.server?.closeAllConnections();
  }
}

/** Open for the cases of the file. */
export function useGate(): Gate {
  const gate = new Gate();
  beforeAll(() => gate.listen());
  afterAll(() => gate.close());
  return gate;
}

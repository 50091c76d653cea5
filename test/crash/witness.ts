/** The world outside the deployment: what actions do to it, no crash undoes. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface Witness {
  readonly url: string;
  /** How often each key's handler was called. */
  readonly calls: ReadonlyMap<string, number>;
}

export async function startWitness(onCall: () => void): Promise<Witness> {
  const calls = new Map<string, number>();
  const server = createServer((request, response) => {
    const key = request.url!.slice(1);
    const count = (calls.get(key) ?? 0) + 1;
    calls.set(key, count);
    onCall();
    response.end(String(count));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, calls };
}

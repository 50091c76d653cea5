/** Stands in for GitHub: sends sample events, signed, to Relay's ingress. */
import { createHmac, randomUUID } from "node:crypto";
import { samples, type Sample } from "./samples.js";

/** Steps through the samples, which are sorted by event, so that a few are a mixture. */
const STRIDE = 37;

/** GitHub opens many connections too, but the machine is shared here. */
const CONNECTIONS = 16;

export interface SentEvent {
  guid: string;
  name: string;
}

export class Sender {
  private next = 0;

  constructor(
    private readonly ingressUrl: string,
    private readonly secret: string,
  ) {}

  /** The next `count` samples, of this event only if it is named. */
  take(count: number, name?: string): Sample[] {
    const choice = name ? samples.filter((s) => s.name === name) : samples;
    if (choice.length === 0) {
      throw new Error(`there is no sample of the event "${name}"`);
    }
    return Array.from(
      { length: count },
      () => choice[(this.next++ * STRIDE) % choice.length]!,
    );
  }

  /** Sends all of them, in order, a few at a time. */
  async sendAll(events: Sample[]): Promise<SentEvent[]> {
    const sent: SentEvent[] = [];
    const queue = events.values();
    const connection = async () => {
      for (const event of queue) {
        sent.push(await this.send(event));
      }
    };
    await Promise.all(Array.from({ length: CONNECTIONS }, connection));
    return sent;
  }

  async send({ name, payload }: Sample): Promise<SentEvent> {
    const guid = randomUUID();
    const response = await this.post({
      guid,
      name,
      body: JSON.stringify(payload),
    });
    if (response.status !== 202) {
      throw new Error(
        `the ingress answered ${response.status} to a ${name} event: ${await response.text()}`,
      );
    }
    await response.body?.cancel();
    return { guid, name };
  }

  /** One request to the ingress; `signature` only to send a wrong one. */
  post(event: {
    guid: string;
    name: string;
    body: string;
    signature?: string;
  }): Promise<Response> {
    const { guid, name, body, signature = this.sign(body) } = event;
    return fetch(this.ingressUrl, {
      method: "POST",
      body,
      headers: {
        "content-type": "application/json",
        "user-agent": "GitHub-Hookshot/sample",
        "x-github-delivery": guid,
        "x-github-event": name,
        "x-hub-signature-256": signature,
      },
    });
  }

  private sign(body: string): string {
    return `sha256=${createHmac("sha256", this.secret).update(body).digest("hex")}`;
  }
}

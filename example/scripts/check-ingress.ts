/** What the ingress must refuse, and what it must not take twice. */
import { randomUUID } from "node:crypto";
import { samples } from "../github/samples.js";
import type { Sender } from "../github/sender.js";

/** Returns what was wrong. */
export async function checkIngress(
  sender: Sender,
  knownGuid: string,
): Promise<string[]> {
  const { name, payload } = samples[0]!;
  const body = JSON.stringify(payload);
  const cases = [
    {
      what: "a webhook with a wrong signature",
      event: {
        guid: randomUUID(),
        name,
        body,
        signature: `sha256=${"0".repeat(64)}`,
      },
      status: 401,
    },
    {
      what: "a signed body that is not JSON",
      event: { guid: randomUUID(), name, body: "{" },
      status: 400,
    },
    {
      what: "a webhook sent a second time",
      event: { guid: knownGuid, name, body },
      status: 200,
    },
  ];
  const problems: string[] = [];
  for (const { what, event, status } of cases) {
    const response = await sender.post(event);
    await response.body?.cancel();
    if (response.status !== status) {
      problems.push(`${what} was answered ${response.status}, not ${status}`);
    }
  }
  return problems;
}

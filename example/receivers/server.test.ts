import { createHmac } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { roster } from "./roster.js";
import { startReceivers, type Receivers } from "./server.js";

const SECRET = "s3cret";
let receivers: Receivers;

beforeEach(async () => {
  receivers = await startReceivers(
    new Map(roster.map(({ name }) => [name, SECRET])),
  );
});

afterEach(() => receivers.close());

function deliver(
  name: string,
  id: string,
  { secret = SECRET }: { secret?: string } = {},
): Promise<Response> {
  const hmac = createHmac("sha256", secret).update(`${id}.1.{}`);
  return fetch(`${receivers.url}/${name}`, {
    method: "POST",
    body: "{}",
    headers: {
      "webhook-id": id,
      "webhook-timestamp": "1",
      "webhook-signature": `v1,${hmac.digest("base64")}`,
      "x-github-delivery": id,
      "x-github-event": "push",
    },
  });
}

test("a healthy receiver accepts, and remembers what", async () => {
  const response = await deliver("audit-log", "e1");
  expect(response.status).toBe(200);
  await response.text();
  expect(receivers.seen("audit-log").get("e1")).toMatchObject({
    event: "push",
    requests: 1,
    accepted: 1,
  });
});

test("a receiver refuses what is not signed with its secret", async () => {
  const response = await deliver("audit-log", "e1", { secret: "guess" });
  expect(response.status).toBe(401);
  expect(receivers.seen("audit-log").get("e1")).toMatchObject({
    accepted: 0,
    badSignatures: 1,
  });
});

test("a receiver that is gone says so", async () => {
  expect((await deliver("old-crm", "e1")).status).toBe(410);
});

test("a receiver that was mended accepts", async () => {
  receivers.behave("old-crm", "healthy");
  expect((await deliver("old-crm", "e1")).status).toBe(200);
});

test("a flaky receiver takes each delivery in the end", async () => {
  for (let i = 0; i < 20; i++) {
    const id = `e${i}`;
    let accepted = false;
    for (let attempt = 1; attempt <= 4 && !accepted; attempt++) {
      accepted = await deliver("chat-alerts", id).then(
        (response) => response.ok,
        () => false,
      );
    }
    expect(accepted).toBe(true);
  }
});

test("a receiver that nobody runs does not answer for another", async () => {
  expect((await deliver("nobody", "e1")).status).toBe(404);
});

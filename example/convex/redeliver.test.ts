/** Deliveries that are made again, on the real pool. */
import { expect, test, vi } from "vitest";
import { api, components } from "./_generated/api.js";
import { playReceivers, relayWith } from "./relay.fixture.js";

const receivers = playReceivers();
const GONE = () => new Response("gone", { status: 410 });

type Relay = Awaited<ReturnType<typeof relayWith>>;

async function idOf(relay: Relay, guid: string) {
  const deliveries = await relay.deliveries();
  return deliveries.find((each) => each.guid === guid)!._id;
}

async function redeliver(relay: Relay, guid: string) {
  const deliveryId = await idOf(relay, guid);
  await relay.mutation(api.redeliver.one, { deliveryId });
}

test("a failed delivery goes on in its row, and succeeds", async () => {
  const relay = await relayWith({ audit: ["*"] });
  receivers.answers.audit = (attempt) =>
    attempt === 1 ? GONE() : new Response("ok");
  await relay.send("push");
  await relay.drain();
  expect(await relay.countsOf("audit")).toMatchObject({ failed: 1 });

  await redeliver(relay, "g1");
  const [open] = await relay.deliveries();
  expect(open).toMatchObject({ phase: "queued", attempts: [{}] });
  expect(open).not.toHaveProperty("settledAt");
  expect(await relay.countsOf("audit")).toMatchObject({
    accepted: 1,
    failed: 0,
    success: 0,
  });

  await relay.drain();
  expect(await relay.deliveries()).toMatchObject([
    {
      phase: "success",
      attempts: [
        { httpStatus: 410, error: expect.any(String) },
        { httpStatus: 200 },
      ],
      redeliveries: [{ attemptsBefore: 1 }],
    },
  ]);
  expect(await relay.countsOf("audit")).toMatchObject({
    accepted: 1,
    failed: 0,
    success: 1,
  });
  // The receiver can tell that it is the same webhook.
  expect(
    receivers.received.map(({ headers }) => headers.get("webhook-id")),
  ).toEqual(["g1.audit", "g1.audit"]);
});

test("each round has all attempts, and may fail again", async () => {
  const relay = await relayWith({ audit: ["*"] });
  receivers.answers.audit = () => new Response("closed", { status: 500 });
  await relay.send("push");
  await relay.drain();
  await redeliver(relay, "g1");
  await relay.drain();
  await redeliver(relay, "g1");
  await relay.runUntil(async () => receivers.received.length === 17);
  await relay.runUntil(async () => {
    const [first] = await relay.deliveries();
    return first!.phase === "retrying";
  });
  await relay.drain();
  const [delivery] = await relay.deliveries();
  expect(delivery).toMatchObject({
    phase: "failed",
    redeliveries: [{ attemptsBefore: 8 }, { attemptsBefore: 16 }],
  });
  expect(delivery!.attempts).toHaveLength(24);
  expect(await relay.countsOf("audit")).toEqual({
    accepted: 1,
    success: 0,
    failed: 1,
    canceled: 0,
    replaced: 0,
  });
});

test("what is under way again is not redelivered, and can be canceled", async () => {
  const relay = await relayWith({ audit: ["*"] });
  receivers.answers.audit = GONE;
  await relay.send("push");
  await relay.drain();
  await relay.mutation(api.settings.update, { paused: true });
  await redeliver(relay, "g1");
  await expect(redeliver(relay, "g1")).rejects.toThrow("is open");
  const deliveryId = await idOf(relay, "g1");
  await relay.mutation(api.cancel.one, { deliveryId });
  await relay.drain();
  expect(await relay.deliveries()).toMatchObject([
    { phase: "canceled", attempts: [{ httpStatus: 410 }] },
  ]);
  expect(await relay.countsOf("audit")).toMatchObject({
    failed: 0,
    canceled: 1,
  });
});

test("of a canceled delivery, another takes the place, once", async () => {
  const relay = await relayWith({ audit: ["*"] });
  await relay.mutation(api.settings.update, { paused: true });
  await relay.send("push");
  const deliveryId = await idOf(relay, "g1");
  await relay.mutation(api.cancel.one, { deliveryId });
  await relay.mutation(api.settings.update, { paused: false });
  await relay.drain();
  await relay.mutation(api.redeliver.one, { deliveryId });
  await relay.drain();
  expect(await relay.deliveries()).toMatchObject([
    { phase: "success" },
    { phase: "canceled", redeliveredAs: expect.any(String) },
  ]);
  await expect(
    relay.mutation(api.redeliver.one, { deliveryId }),
  ).rejects.toThrow("redelivered already");
});

test("of one that failed longer ago than the pool keeps it, another takes the place", async () => {
  const relay = await relayWith({ audit: ["*"] });
  receivers.answers.audit = (attempt) =>
    attempt === 1 ? GONE() : new Response("ok");
  await relay.send("push");
  await relay.drain();
  vi.advanceTimersByTime(8 * 24 * 60 * 60_000);
  expect(await relay.mutation(api.redeliver.all, {})).toEqual({
    redelivered: 1,
    isDone: true,
  });
  await relay.drain();
  expect(await relay.deliveries()).toMatchObject([
    { phase: "success", attempts: [{ httpStatus: 200 }] },
    { phase: "failed", redeliveredAs: expect.any(String) },
  ]);
  expect(await relay.countsOf("audit")).toMatchObject({
    accepted: 2,
    success: 1,
    failed: 1,
    replaced: 1,
  });
  expect(await relay.mutation(api.redeliver.all, {})).toEqual({
    redelivered: 0,
    isDone: true,
  });
});

test("a row keeps twenty rounds; then another delivery takes its place", async () => {
  const relay = await relayWith({ audit: ["*"] });
  receivers.answers.audit = GONE;
  await relay.send("push");
  await relay.drain();
  for (let round = 0; round < 20; round++) {
    await redeliver(relay, "g1");
    await relay.drain();
  }
  expect(await relay.deliveries()).toHaveLength(1);
  await redeliver(relay, "g1");
  await relay.drain();
  expect(await relay.deliveries()).toMatchObject([
    { phase: "failed", attempts: [{ httpStatus: 410 }] },
    { phase: "failed", redeliveredAs: expect.any(String) },
  ]);
});

test("a delivery that went well is not made again", async () => {
  const relay = await relayWith({ audit: ["*"] });
  await relay.send("push");
  await relay.drain();
  await expect(redeliver(relay, "g1")).rejects.toThrow(
    "only a failed or canceled one",
  );
});

test("all that failed go on, page by page, each once", async () => {
  const relay = await relayWith({ audit: ["*"] });
  receivers.answers.audit = GONE;
  for (let i = 0; i < 60; i++) await relay.send("push", { guid: `g${i}` });
  await relay.drain();
  expect(await relay.countsOf("audit")).toMatchObject({ failed: 60 });
  expect(await relay.mutation(api.redeliver.all, {})).toEqual({
    redelivered: 50,
    isDone: false,
  });
  await relay.drain();
  // They failed again while the pages were made, and were not begun a third time.
  expect(receivers.received).toHaveLength(120);
  expect(await relay.countsOf("audit")).toMatchObject({
    accepted: 60,
    failed: 60,
  });
});

test("all that failed at one endpoint go on, and no others", async () => {
  const relay = await relayWith({ audit: ["*"], stars: ["star"] });
  receivers.answers.audit = GONE;
  receivers.answers.stars = GONE;
  await relay.send("star");
  await relay.drain();
  receivers.answers = {};
  const endpoints = await relay.query(api.endpoints.list, {});
  const stars = endpoints.find(({ name }) => name === "stars")!;
  await relay.mutation(api.redeliver.all, { endpointId: stars._id });
  await relay.drain();
  expect(await relay.countsOf("stars")).toMatchObject({ success: 1 });
  expect(await relay.countsOf("audit")).toMatchObject({ failed: 1 });
});

test("a delivery is failed if and only if its work is", async () => {
  const relay = await relayWith({ audit: ["*"] });
  receivers.answers.audit = (attempt) =>
    attempt % 3 === 0 ? new Response("ok") : GONE();
  for (let i = 0; i < 12; i++) await relay.send("push", { guid: `g${i}` });
  await relay.drain();
  const failedWorks = async () => {
    const { page } = await relay.query(components.workpool.works.list, {
      state: "failed",
      paginationOpts: { numItems: 50, cursor: null, endCursor: null },
    });
    return page.length;
  };
  const failedRows = async () =>
    (await relay.deliveries()).filter(({ phase }) => phase === "failed").length;
  expect(await failedWorks()).toBe(8);
  expect(await failedRows()).toBe(8);
  await relay.mutation(api.redeliver.all, {});
  expect(await failedWorks()).toBe(0);
  expect(await failedRows()).toBe(0);
  await relay.drain();
  expect(await failedRows()).toBe(await failedWorks());
  expect(await failedRows()).toBeGreaterThan(0);
});

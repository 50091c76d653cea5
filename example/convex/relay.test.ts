/** The way of a webhook through Relay, on the real pool. */
import type { FunctionReturnType } from "convex/server";
import { expect, test, vi } from "vitest";
import { api } from "./_generated/api.js";
import type { Id } from "./_generated/dataModel.js";
import type { Place } from "./order.js";
import { playReceivers, relayWith } from "./relay.fixture.js";

const receivers = playReceivers();

test("an event goes to those who subscribed to it, and to nobody else", async () => {
  const relay = await relayWith({
    audit: ["*"],
    issues: ["issues"],
    stars: ["star"],
  });
  const response = await relay.send("issues");
  expect(response.status).toBe(202);
  expect(await response.json()).toMatchObject({ deliveries: 2 });
  await relay.drain();
  expect(receivers.received.map(({ name }) => name).sort()).toEqual([
    "audit",
    "issues",
  ]);
  expect(await relay.deliveries()).toMatchObject([
    {
      phase: "success",
      attempts: [{ httpStatus: 200 }],
      title: "issues.opened",
    },
    {
      phase: "success",
      attempts: [{ httpStatus: 200 }],
      title: "issues.opened",
    },
  ]);
  expect(await relay.countsOf("audit")).toMatchObject({
    accepted: 1,
    success: 1,
  });
});

test("an event that GitHub repeats is delivered once", async () => {
  const relay = await relayWith({ audit: ["*"] });
  expect((await relay.send("push")).status).toBe(202);
  expect((await relay.send("push")).status).toBe(200);
  await relay.drain();
  expect(receivers.received).toHaveLength(1);
});

test.each([
  ["a wrong signature", { signature: `sha256=${"0".repeat(64)}` }, 401],
  ["no JSON", { body: "{" }, 400],
  ["no id", { guid: "" }, 400],
  ["a body too large to keep", { body: "x".repeat(1_000_001) }, 413],
])("%s is refused, and leaves nothing behind", async (_, event, status) => {
  const relay = await relayWith({ audit: ["*"] });
  expect((await relay.send("push", event)).status).toBe(status);
  expect(await relay.deliveries()).toEqual([]);
});

test("what passes is retried, with the same idempotency key", async () => {
  const relay = await relayWith({ audit: ["*"] });
  receivers.answers.audit = (attempt) =>
    attempt < 3 ? new Response("busy", { status: 503 }) : new Response("ok");
  await relay.send("push");
  await relay.drain();
  expect(
    receivers.received.map(({ headers }) => headers.get("webhook-id")),
  ).toEqual(Array(3).fill("g1.audit"));
  expect(await relay.deliveries()).toMatchObject([
    {
      phase: "success",
      attempts: [
        { httpStatus: 503, error: "audit answered 503: busy" },
        { httpStatus: 503, error: "audit answered 503: busy" },
        { httpStatus: 200 },
      ],
    },
  ]);
});

test("no answer in time counts as a failed attempt", async () => {
  const relay = await relayWith({ audit: ["*"] });
  receivers.answers.audit = (attempt) =>
    attempt === 1 ? new Promise(() => {}) : new Response("ok");
  await relay.send("push");
  await relay.drain();
  expect(await relay.deliveries()).toMatchObject([
    {
      phase: "success",
      attempts: [
        {
          startedAt: expect.any(Number),
          // Virtual time goes in leaps.
          durationMs: expect.any(Number),
          error: "audit did not answer within 5000 ms",
        },
        { startedAt: expect.any(Number), durationMs: 0, httpStatus: 200 },
      ],
    },
  ]);
});

test("what will not pass is given up at once", async () => {
  const relay = await relayWith({ audit: ["*"] });
  receivers.answers.audit = () => new Response("moved out", { status: 410 });
  await relay.send("push");
  await relay.drain();
  const error = expect.stringContaining("audit answered 410: moved out");
  expect(await relay.deliveries()).toMatchObject([
    { phase: "failed", attempts: [{ httpStatus: 410, error }], error },
  ]);
  expect(await relay.countsOf("audit")).toMatchObject({ failed: 1 });
});

test("a receiver that stays away is given up after eight attempts", async () => {
  const relay = await relayWith({ audit: ["*"] });
  receivers.answers.audit = () => new Response("closed", { status: 500 });
  await relay.send("push");
  await relay.drain();
  const [delivery] = await relay.deliveries();
  expect(delivery).toMatchObject({ phase: "failed" });
  expect(delivery!.attempts.map(({ httpStatus }) => httpStatus)).toEqual(
    Array(8).fill(500),
  );
});

test("while paused nothing is sent; what is canceled then never is", async () => {
  const relay = await relayWith({ audit: ["*"] });
  await relay.mutation(api.settings.update, { paused: true });
  await relay.send("push", { guid: "g1" });
  await relay.send("push", { guid: "g2" });
  await relay.drain();
  expect(receivers.received).toEqual([]);
  const [newest] = await relay.deliveries();
  expect(newest).toMatchObject({ guid: "g2", phase: "queued" });

  await relay.mutation(api.cancel.one, { deliveryId: newest!._id });
  await relay.mutation(api.settings.update, { paused: false });
  await relay.drain();
  expect(
    receivers.received.map(({ headers }) => headers.get("webhook-id")),
  ).toEqual(["g1.audit"]);
  expect(await relay.deliveries()).toMatchObject([
    { guid: "g2", phase: "canceled" },
    { guid: "g1", phase: "success" },
  ]);
});

test("all that is pending can be canceled", async () => {
  const relay = await relayWith({ audit: ["*"] });
  await relay.mutation(api.settings.update, { paused: true });
  for (let i = 0; i < 5; i++) {
    await relay.send("push", { guid: `g${i}` });
  }
  vi.advanceTimersByTime(1);
  await relay.mutation(api.cancel.all, {});
  await relay.drain();
  expect(await relay.countsOf("audit")).toMatchObject({ canceled: 5 });
});

test.each([0, 1.5, 101, -1])(
  "a parallelism of %d is refused, with its range",
  async (parallelism) => {
    const relay = await relayWith({});
    await expect(
      relay.mutation(api.settings.update, { parallelism }),
    ).rejects.toThrow("an integer from 1 to 100");
  },
);

test("pages go on to the last delivery, and show each once", async () => {
  const relay = await relayWith({ audit: ["*"], stars: ["star"] });
  for (let i = 0; i < 5; i++) {
    await relay.send("push", { guid: `g${i}` });
  }
  await relay.send("star", { guid: "s" });
  const guids = async (filter: { endpointId?: Id<"endpoints"> }) => {
    const pages: string[][] = [];
    let from: Place | null | undefined;
    while (from !== null) {
      const page: FunctionReturnType<typeof api.deliveries.page> =
        await relay.query(api.deliveries.page, { ...filter, from, count: 2 });
      pages.push(page.rows.map(({ guid }) => guid));
      from = page.next;
    }
    return pages;
  };
  const [audit, stars] = await relay.query(api.endpoints.list, {});
  const toAudit = [
    ["s", "g4"],
    ["g3", "g2"],
    ["g1", "g0"],
  ];
  expect(await guids({ endpointId: audit!._id })).toEqual(toAudit);
  expect(await guids({ endpointId: stars!._id })).toEqual([["s"]]);
  expect((await guids({})).flat().sort()).toEqual(
    ["g0", "g1", "g2", "g3", "g4", "s", "s"].sort(),
  );
  await relay.drain();
  expect(await guids({ endpointId: audit!._id })).toEqual(toAudit);
});

test("what is sent, and what is sent again, comes before what is over", async () => {
  const relay = await relayWith({ audit: ["push"], chat: ["star"] });
  await relay.send("push", { guid: "old" });
  await relay.drain();
  receivers.answers.chat = () => new Response("busy", { status: 503 });
  await relay.send("star", { guid: "retried" });
  await relay.runUntil(async () => {
    const [first] = await relay.deliveries();
    return first?.phase === "retrying";
  });
  await relay.mutation(api.settings.update, { paused: true });
  await relay.send("push", { guid: "new" });
  const order = (await relay.deliveries()).map(({ guid, phase }) => [
    guid,
    phase,
  ]);
  expect(order).toEqual([
    ["retried", "retrying"],
    ["new", "queued"],
    ["old", "success"],
  ]);
  const [first] = await relay.deliveries();
  const { _id: deliveryId } = first!;
  expect(await relay.query(api.deliveries.get, { deliveryId })).toMatchObject({
    dueAt: expect.any(Number),
    attempts: [{ httpStatus: 503, error: "chat answered 503: busy" }],
  });
});

test("no delivery has an id that is none", async () => {
  const relay = await relayWith({});
  const deliveryId = "nonsense";
  expect(await relay.query(api.deliveries.get, { deliveryId })).toBeNull();
});

test.each([0, 1.5, 101])("a page of %d is refused", async (count) => {
  const relay = await relayWith({});
  await expect(relay.query(api.deliveries.page, { count })).rejects.toThrow(
    "an integer from 1 to 100",
  );
});

test("what is pending to one endpoint is canceled, however much it is, and nothing else", async () => {
  const relay = await relayWith({ audit: ["*"], stars: ["star"] });
  await relay.mutation(api.settings.update, { paused: true });
  for (let i = 0; i < 120; i++) {
    await relay.send("star", { guid: `g${i}` });
  }
  vi.advanceTimersByTime(1);
  const endpoints = await relay.query(api.endpoints.list, {});
  const stars = endpoints.find(({ name }) => name === "stars")!;
  await relay.mutation(api.cancel.all, { endpointId: stars._id });
  await relay.drain();
  expect(await relay.countsOf("stars")).toMatchObject({ canceled: 120 });
  expect(await relay.countsOf("audit")).toMatchObject({ canceled: 0 });
});

test("the pool is said to run no more than its limit", async () => {
  const relay = await relayWith({ audit: ["*"] });
  await relay.mutation(api.settings.update, { parallelism: 2 });
  receivers.answers.audit = () => new Promise(() => {});
  for (let i = 0; i < 10; i++) {
    await relay.send("push", { guid: `g${i}` });
  }
  await relay.runUntil(async () => receivers.received.length === 2);
  const now = await relay.query(api.status.now, {});
  expect(now).toMatchObject({ running: 2, problems: [] });
  const running = (await relay.deliveries()).filter(
    ({ phase }) => phase === "running",
  );
  expect(running).toHaveLength(2);
});

test("the page never learns an endpoint's secret", async () => {
  const relay = await relayWith({ audit: ["*"] });
  const endpoints = await relay.query(api.endpoints.list, {});
  expect(JSON.stringify(endpoints)).not.toContain("secret of audit");
});

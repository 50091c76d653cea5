/** Attempts that hang: what the pool does about them, and what the page says of it. */
import { expect, test, vi } from "vitest";
import { api, internal } from "./_generated/api.js";
import { playReceivers, relayWith } from "./relay.fixture.js";

const receivers = playReceivers();

test("an attempt that hangs beyond its time-out is ended by the pool, which the page says", async () => {
  const relay = await relayWith({ audit: ["*"] });
  await relay.mutation(api.settings.update, { paused: true });
  await relay.send("push");
  // Its work may take 5 s and the slack; now the attempt itself waits longer than that.
  await relay.run(async (ctx) => {
    const endpoint = (await ctx.db.query("endpoints").first())!;
    await ctx.db.patch("endpoints", endpoint._id, { timeoutMs: 600_000 });
  });
  receivers.answers.audit = (attempt) =>
    attempt === 1 ? new Promise(() => {}) : new Response("ok");
  await relay.mutation(api.settings.update, { paused: false });
  await relay.runUntil(async () => receivers.received.length === 1);
  await vi.advanceTimersByTimeAsync(20_000);
  await relay.runUntil(async () => {
    const [first] = await relay.deliveries();
    return first!.phase === "retrying";
  });
  const timedOut = {
    durationMs: expect.any(Number),
    error: "timed out: it hung, and the pool ended it",
  };
  expect(await relay.deliveries()).toMatchObject([{ attempts: [timedOut] }]);
  await relay.runUntil(async () => receivers.received.length === 2);
  await relay.runUntil(async () => {
    const [first] = await relay.deliveries();
    return first!.phase === "success";
  });
  expect(await relay.deliveries()).toMatchObject([
    { attempts: [timedOut, { httpStatus: 200 }] },
  ]);
});

test("if the last attempt hangs, the delivery has failed, with what the pool says of it", async () => {
  const relay = await relayWith({ audit: ["*"] });
  await relay.mutation(api.settings.update, { paused: true });
  await relay.send("push");
  await relay.run(async (ctx) => {
    const endpoint = (await ctx.db.query("endpoints").first())!;
    await ctx.db.patch("endpoints", endpoint._id, { timeoutMs: 600_000 });
  });
  receivers.answers.audit = (attempt) =>
    attempt < 8 ? new Response("busy", { status: 503 }) : new Promise(() => {});
  await relay.mutation(api.settings.update, { paused: false });
  await relay.drain();
  const error = "timed out: it hung, and the pool ended it";
  const [delivery] = await relay.deliveries();
  expect(delivery).toMatchObject({ phase: "failed", error });
  expect(delivery!.attempts[7]).toEqual({
    startedAt: expect.any(Number),
    durationMs: expect.any(Number),
    error,
  });
});

test.each([0, 1.5, 600_001])(
  "a time-out of %d ms is refused",
  async (timeoutMs) => {
    const relay = await relayWith({});
    const endpoint = {
      name: "x",
      url: "http://x.test",
      events: ["*"],
      secret: "s",
    };
    await expect(
      relay.mutation(internal.endpoints.register, {
        endpoints: [{ ...endpoint, timeoutMs }],
      }),
    ).rejects.toThrow("an integer from 1 to 600000");
  },
);

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { inFlight } from "../../testing/app/jobs.js";
import {
  type AppTest,
  appTest,
  component,
  effects,
  jobs,
  mutate,
  pool,
} from "../../testing/app.js";

let t: AppTest;
beforeEach(() => {
  vi.useFakeTimers();
  t = appTest();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});
const drain = () => t.finishAllScheduledFunctions(vi.runAllTimers);

test("an action runs, its callback gets result and context, and nothing remains", async () => {
  const id = await mutate(t, (ctx) =>
    pool().enqueueAction(
      ctx,
      jobs.act!,
      { key: "a" },
      { onComplete: jobs.completed!, context: { key: "a" } },
    ),
  );
  await drain();
  expect(await effects(t, "attempt")).toHaveLength(1);
  expect(await effects(t, "completed")).toMatchObject([
    {
      key: "a",
      detail: {
        workId: id,
        context: { key: "a" },
        result: { kind: "success", returnValue: "did a" },
      },
    },
  ]);
  expect(await t.query((ctx) => pool().status(ctx as any, id))).toEqual({
    state: "finished",
  });
});

test("actions, mutations and queries of a batch all end once, within the limit", async () => {
  const p = pool({ maxParallelism: 3 });
  const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);
  await mutate(t, async (ctx) => {
    const options = { onComplete: jobs.completed! };
    const args = keys.map((key) => ({ key }));
    await p.enqueueActionBatch(ctx, jobs.act!, args, options);
    await p.enqueueMutationBatch(ctx, jobs.mutate!, args, options);
    await p.enqueueQueryBatch(ctx, jobs.read!, args, options);
  });
  await drain();
  expect(await effects(t, "attempt")).toHaveLength(40);
  expect(await effects(t, "mutation")).toHaveLength(40);
  const completed = await effects(t, "completed");
  expect(completed).toHaveLength(120);
  expect(new Set(completed.map(({ detail }) => detail.workId)).size).toBe(120);
  expect(inFlight.most).toBeGreaterThan(1);
  expect(inFlight.most).toBeLessThanOrEqual(3);
});

test("a paused pool starts nothing, and goes on when resumed", async () => {
  const p = pool({ maxParallelism: 0 });
  await mutate(t, (ctx) => p.enqueueMutation(ctx, jobs.mutate!, { key: "m" }));
  await drain();
  expect(await effects(t, "mutation")).toHaveLength(0);
  await mutate(t, (ctx) =>
    ctx.runMutation(component.config.update, { maxParallelism: 2 }),
  );
  await drain();
  expect(await effects(t, "mutation")).toHaveLength(1);
});

test("a failing action is retried as often as its behaviour says", async () => {
  await mutate(t, async (ctx) => {
    const retry = { maxAttempts: 3, initialBackoffMs: 100, base: 2 };
    const options = { retry, onComplete: jobs.completed! };
    await pool().enqueueAction(
      ctx,
      jobs.act!,
      { key: "heals", failures: 2 },
      {
        ...options,
        context: { key: "heals" },
      },
    );
    await pool().enqueueAction(
      ctx,
      jobs.act!,
      { key: "fails", failures: 9 },
      {
        ...options,
        context: { key: "fails" },
      },
    );
    await pool().enqueueAction(
      ctx,
      jobs.act!,
      { key: "hopeless", nonRetryable: true },
      { ...options, context: { key: "hopeless" } },
    );
  });
  await drain();
  const attempts = (await effects(t, "attempt")).map(({ key }) => key);
  expect(attempts.filter((key) => key === "heals")).toHaveLength(3);
  expect(attempts.filter((key) => key === "fails")).toHaveLength(3);
  expect(attempts.filter((key) => key === "hopeless")).toHaveLength(1);
  const results = Object.fromEntries(
    (await effects(t, "completed")).map(({ key, detail }) => [
      key,
      detail.result,
    ]),
  );
  expect(results.heals).toEqual({ kind: "success", returnValue: "did heals" });
  expect(results.fails.kind).toBe("failed");
  expect(results.fails.error).toContain("attempt 3 of fails failed");
  expect(results.hopeless).toEqual({
    kind: "failed",
    error: "hopeless is hopeless",
  });
});

test("a declared time-out is not over before a handler that takes less has ended, however tests run their timers", async () => {
  const p = pool({ timeoutMs: 60_000 });
  const ids = await mutate(t, (ctx) =>
    p.enqueueActionBatch(ctx, jobs.act!, [
      { key: "at once" },
      { key: "soon", ms: 20 },
      { key: "later", ms: 30_000 },
    ]),
  );
  await drain();
  for (const id of ids) {
    expect(await t.query((ctx) => pool().status(ctx as any, id))).toEqual({
      state: "finished",
    });
  }
  const failed = await t.query((ctx) =>
    pool().list(ctx as any, {
      state: "failed",
      paginationOpts: { numItems: 10, cursor: null },
    }),
  );
  expect(failed.page).toEqual([]);
});

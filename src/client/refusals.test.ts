/** What the client refuses, before it calls anything. */
import { describe, expect, test, vi } from "vitest";
import { component, jobs } from "../testing/app.js";
import { textOf } from "../testing/component.js";
import type { MutationCtx } from "./context.js";
import {
  type EnqueueOptions,
  Workpool,
  type WorkpoolOptions,
} from "./index.js";

/** Any call would be one too many. */
function silentCtx() {
  const call = vi.fn(() => Promise.reject(new Error("called the component")));
  return {
    call,
    ctx: { runMutation: call, runQuery: call } as unknown as MutationCtx,
  };
}

async function expectRefusal(
  message: string,
  enqueue: (ctx: MutationCtx) => Promise<unknown>,
) {
  const { call, ctx } = silentCtx();
  await expect(enqueue(ctx)).rejects.toThrow(message);
  expect(call).not.toHaveBeenCalled();
}

const act = jobs.act!;
const args = { key: "a" };
const retry = { maxAttempts: 3, initialBackoffMs: 100, base: 2 };

describe("options of an enqueue", () => {
  test.each<[string, object]>([
    ["Give runAt or runAfter, not both", { runAt: 1, runAfter: 1 }],
    ["runAt must be a finite number", { runAt: NaN }],
    ["runAfter must be a finite number", { runAfter: Infinity }],
    ["at most four years", { runAfter: 5 * 365 * 24 * 3600 * 1000 }],
    [
      "retry.maxAttempts must be an integer of at least 1, not 0",
      { retry: { ...retry, maxAttempts: 0 } },
    ],
    [
      "retry.initialBackoffMs must be a finite number",
      { retry: { ...retry, initialBackoffMs: -5 } },
    ],
    [
      "retry.base must be a finite number of at least 1, not 0",
      { retry: { ...retry, base: 0 } },
    ],
    [
      "retry.base must be a finite number of at least 1, not undefined",
      { retry: { maxAttempts: 3, initialBackoffMs: 100 } },
    ],
    [
      'onCompleteExcludeKinds must be a list of "success", "failed", "canceled", not ["cancelled"]',
      { onCompleteExcludeKinds: ["cancelled"] },
    ],
    [
      "statusTtl.success must be a finite number of milliseconds of at least 0, not -1",
      { statusTtl: { success: -1 } },
    ],
    [
      "timeoutMs must be an integer of milliseconds from 1000 (one second) to 1620000 (27 minutes), not 1620001.",
      { timeoutMs: 1_620_001 },
    ],
    [
      "timeoutMs must be an integer of milliseconds from 1000 (one second) to 1620000 (27 minutes), not 999.",
      { timeoutMs: 999 },
    ],
    [
      "timeoutMs must be an integer of milliseconds from 1000 (one second) to 1620000 (27 minutes), not 1000.5.",
      { timeoutMs: 1000.5 },
    ],
    [
      "timeoutMs must be an integer of milliseconds from 1000 (one second) to 1620000 (27 minutes), not null.",
      { timeoutMs: null },
    ],
    [
      'onTimeout must be one of "hold", "release", not "kill".',
      { onTimeout: "kill" },
    ],
    [
      "expireAt must be a finite number of milliseconds since 1970, at most four years ahead",
      { expireAt: null },
    ],
    [
      "expireAfter must be a number of milliseconds from 0 to 126144000000 (four years), not -1.",
      { expireAfter: -1 },
    ],
    [
      "Give expireAt or expireAfter, not both (expireAt: 1, expireAfter: 2).",
      { expireAt: 1, expireAfter: 2 },
    ],
    ["before it may start", { runAfter: 60_000, expireAfter: 30_000 }],
    [
      "Give retry.intervalsMs or retry.base, not both: intervalsMs says how long each retry waits.",
      { retry: { maxAttempts: 3, intervalsMs: [1], base: 2 } },
    ],
    [
      "retry.jitter must be a number from 0 to 1, not 2.",
      { retry: { ...retry, jitter: 2 } },
    ],
    ['name must be a string of 1 to 1000 characters, not "".', { name: "" }],
    [
      "The onComplete context of render may have at most 1000000 bytes, not 1000001.",
      {
        name: "render",
        onComplete: jobs.completed!,
        context: textOf(1_000_001),
      },
    ],
  ])("%s", async (message, options) => {
    const pool = new Workpool(component);
    await expectRefusal(message, (ctx) =>
      pool.enqueueAction(ctx, act, args, options as EnqueueOptions),
    );
    await expectRefusal(message, (ctx) =>
      pool.enqueueActionBatch(
        ctx,
        act,
        [args, args],
        options as EnqueueOptions,
      ),
    );
  });
});

describe("options of a pool", () => {
  test.each<[string, object]>([
    [
      "maxParallelism must be an integer from 0 (which pauses the pool) to 1000, not 1.5.",
      { maxParallelism: 1.5 },
    ],
    ["maxParallelism must be", { maxParallelism: -1 }],
    ["maxParallelism must be", { maxParallelism: 1001 }],
    ["maxParallelism must be", { maxParallelism: NaN }],
    [
      'logLevel must be one of DEBUG, TRACE, INFO, REPORT, WARN, ERROR, not "debug".',
      { logLevel: "debug" },
    ],
    ["statusTtl must be", { statusTtl: NaN }],
    [
      "timeoutMs must be an integer of milliseconds from 1000 (one second) to 1620000 (27 minutes), not NaN.",
      { timeoutMs: NaN },
    ],
    [
      "defaultRetryBehavior.maxAttempts must be",
      {
        retryActionsByDefault: true,
        defaultRetryBehavior: { ...retry, maxAttempts: 1.5 },
      },
    ],
  ])("%s", async (message, options) => {
    const pool = new Workpool(component, options as WorkpoolOptions);
    await expectRefusal(message, (ctx) => pool.enqueueAction(ctx, act, args));
  });
});

test("arguments that are too large, one bad item spoiling the batch", async () => {
  const pool = new Workpool(component);
  const large = { key: textOf(1_000_000) };
  const message =
    "The arguments of render may have at most 1000000 bytes, not 1000006.";
  await expectRefusal(message, (ctx) =>
    pool.enqueueMutation(ctx, jobs.mutate!, large, { name: "render" }),
  );
  await expectRefusal(message, (ctx) =>
    pool.enqueueMutationBatch(ctx, jobs.mutate!, [args, large], {
      name: "render",
    }),
  );
});

test("arguments that are no object", async () => {
  await expectRefusal(
    "The arguments of jobs:act must be an object, not undefined.",
    (ctx) =>
      new Workpool(component).enqueueAction(ctx, act, undefined as never),
  );
});

test("limits and lists out of range", async () => {
  const pool = new Workpool(component);
  await expectRefusal(
    "limit must be an integer from 1 to 1000, not 0.",
    (ctx) => pool.cancelAll(ctx, { limit: 0 }),
  );
  await expectRefusal(
    "statusBatch takes at most 2000 ids at once, not 2001.",
    (ctx) =>
      pool.statusBatch(
        ctx,
        Array.from({ length: 2001 }, () => "x" as never),
      ),
  );
});

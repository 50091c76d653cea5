/** Names of options that callers without types, or with a spread, may get wrong. */
import { anyApi, componentsGeneric } from "convex/server";
import { describe, expect, test, vi } from "vitest";
import { component, jobs } from "../testing/app.js";
import type { MutationCtx } from "./context.js";
import { enqueue, enqueueBatch, Workpool } from "./index.js";

/** A context that counts the calls of the component, and answers them. */
function countingCtx() {
  const call = vi.fn(async (_fn: unknown, args: { items?: unknown[] }) =>
    args.items ? args.items.map(() => "id") : "id",
  );
  return {
    call,
    ctx: { runMutation: call, runQuery: call } as unknown as MutationCtx,
  };
}

// Handles, because references need a deployment to become some.
const fn = "function://act" as any;
const onComplete = "function://completed" as any;
const args = { key: "a" };
const retry = { maxAttempts: 3, initialBackoffMs: 100, base: 2 };

/** All ways to enqueue, for callers without types. */
const METHODS = [
  "enqueueAction",
  "enqueueActionBatch",
  "enqueueMutation",
  "enqueueMutationBatch",
  "enqueueQuery",
  "enqueueQueryBatch",
] as const;
type Enqueue = (
  ctx: MutationCtx,
  options: unknown,
  poolOptions?: object,
) => Promise<unknown>;

const methods = METHODS.map((method): [string, Enqueue] => [
  method,
  async (ctx, options, poolOptions = {}) =>
    await (new Workpool(component, poolOptions) as any)[method](
      ctx,
      fn,
      method.endsWith("Batch") ? [args] : args,
      options,
    ),
]);
const direct: [string, Enqueue][] = [
  [
    "enqueue",
    async (ctx, options: any) =>
      await enqueue(component, ctx, "action", fn, args, options),
  ],
  [
    "enqueueBatch",
    async (ctx, options: any) =>
      await enqueueBatch(component, ctx, "action", fn, [args], options),
  ],
];

async function expectRefusal(
  run: (ctx: MutationCtx) => Promise<unknown>,
  message: string,
) {
  const { call, ctx } = countingCtx();
  await expect(run(ctx)).rejects.toThrow(message);
  expect(call).not.toHaveBeenCalled();
}

describe.each([...methods, ...direct])("%s", (name, run) => {
  const isMethod = methods.some(([method]) => method === name);
  const isOfActions = name.startsWith("enqueueAction") || !isMethod;

  test.each([
    ["onCompleted", "onComplete"],
    ["delay", "runAfter"],
    ["ttl", "statusTtl"],
    ["timeout", "timeoutMs"],
    ["deadline", "expireAt"],
    ["maxWaitMs", "expireAfter"],
    ["contxt", "context"],
  ])("refuses %s and suggests %s", async (option, meant) => {
    for (const value of [1, null, undefined]) {
      await expectRefusal(
        (ctx) => run(ctx, { [option]: value }),
        `${name} has no option "${option}". Did you mean "${meant}"? Its options are `,
      );
    }
  });

  test("suggests the field of a retry behavior, where works are retried", async () => {
    const retry = isMethod ? "retry" : "retryBehavior";
    await expectRefusal(
      (ctx) => run(ctx, { attempts: 3 }),
      isOfActions
        ? `${name} has no option "attempts". Did you mean "${retry}.maxAttempts"?`
        : `${name} has no option "attempts". Its options are`,
    );
  });

  test("refuses what is like no option, and names those there are", async () => {
    await expectRefusal(
      (ctx) => run(ctx, { priority: 1 }),
      `${name} has no option "priority". Its options are ` +
        (isMethod && isOfActions ? "retry, " : "") +
        "name, onComplete, onCompleteExcludeKinds, context, statusTtl, timeoutMs, onTimeout, heartbeatTimeoutMs, tags, runAt, runAfter, expireAt, expireAfter",
    );
  });

  test.each([
    ["a list", []],
    ["a word", "soon"],
    ["a number", 5],
  ])("refuses options that are %s", async (_, options) => {
    await expectRefusal(
      (ctx) => run(ctx, options),
      `The options of ${name} must be an object, not `,
    );
  });

  test("takes all options there are, and undefined for any of them", async () => {
    const options = {
      name: "post",
      onComplete,
      onCompleteExcludeKinds: ["success"],
      context: 1,
      statusTtl: 5,
      timeoutMs: 1000,
      runAt: 1,
      ...(!isMethod && { retryBehavior: retry, maxParallelism: 5 }),
      ...(!isMethod && { logLevel: "ERROR" }),
      ...(isMethod && isOfActions && { retry: true }),
    };
    const { call, ctx } = countingCtx();
    await run(ctx, { ...options, runAfter: undefined });
    await run(
      ctx,
      Object.fromEntries(
        [...Object.keys(options), "runAfter"].map((key) => [key, undefined]),
      ),
    );
    expect(call).toHaveBeenCalledTimes(2);
  });

  test("takes the options of its pool as they are", async () => {
    const poolOptions = {
      maxParallelism: 5,
      logLevel: "ERROR",
      statusTtl: 5,
      timeoutMs: 1000,
      defaultRetryBehavior: retry,
      retryActionsByDefault: false,
    };
    const { call, ctx } = countingCtx();
    await run(ctx, { ...poolOptions, name: "post" }, poolOptions);
    expect(call).toHaveBeenCalledTimes(1);
  });
});

describe.each(methods)("%s", (name, run) => {
  test.each([
    ["maxParallelism", 5],
    ["logLevel", "DEBUG"],
    ["defaultRetryBehavior", retry],
    ["retryActionsByDefault", true],
  ])("refuses to change %s of the pool", async (option, value) => {
    await expectRefusal(
      (ctx) => run(ctx, { [option]: value }, { maxParallelism: 20 }),
      `${option} is an option of the pool and not of ${name}: new Workpool(component, { ${option}: … }).`,
    );
  });

  test("takes null and nothing for no options", async () => {
    const { call, ctx } = countingCtx();
    await run(ctx, null);
    await run(ctx, undefined);
    expect(call).toHaveBeenCalledTimes(2);
  });
});

describe("other options", () => {
  test.each<[object | null, string]>([
    [
      { maxParalelism: 5 },
      'Workpool has no option "maxParalelism". Did you mean "maxParallelism"? Its options are maxParallelism, logLevel, statusTtl, timeoutMs, onTimeout, onFailed, defaultRetryBehavior, retryActionsByDefault, use.',
    ],
    [{ concurrency: undefined }, 'Did you mean "maxParallelism"?'],
    [{ retries: 3 }, 'Did you mean "defaultRetryBehavior.maxAttempts"?'],
    [{ retry: true }, 'Did you mean "retryActionsByDefault"?'],
    [
      { defaultRetryBehavior: { ...retry, maxAtempts: 3 } },
      'defaultRetryBehavior has no field "maxAtempts". Did you mean "maxAttempts"?',
    ],
    [
      { statusTtl: { failure: 1 } },
      'statusTtl has no field "failure". Did you mean "failed"?',
    ],
    [null, "The options of Workpool must be an object, not null."],
  ])("of a pool: %j is refused", (options, message) => {
    expect(() => new Workpool(component, options as any)).toThrow(message);
  });

  test.each<[object, string]>([
    [
      { retry: { ...retry, attempts: 3 } },
      'retry has no field "attempts". Did you mean "maxAttempts"? Its fields are maxAttempts, initialBackoffMs, base, maxBackoffMs, jitter, maxElapsedMs, intervalsMs.',
    ],
    [
      { statusTtl: { cancelled: 1 } },
      'statusTtl has no field "cancelled". Did you mean "canceled"? Its fields are success, failed, canceled.',
    ],
  ])("inside of an option: %j is refused", async (options, message) => {
    const pool = new Workpool(component);
    await expectRefusal(
      (ctx) => pool.enqueueAction(ctx, fn, args, options),
      message,
    );
  });

  test("of cancelAll", async () => {
    const pool = new Workpool(component);
    await expectRefusal(
      (ctx) => pool.cancelAll(ctx, { pageSize: 5 } as never),
      'cancelAll has no option "pageSize". Did you mean "limit"? Its only option is limit.',
    );
    await expectRefusal(
      (ctx) => pool.cancelAll(ctx, 5 as never),
      "The options of cancelAll must be an object, not 5.",
    );
    const { call, ctx } = countingCtx();
    await pool.cancelAll(ctx, { limit: undefined } as never);
    await pool.cancelAll(ctx, null as never);
    expect(call).toHaveBeenCalledTimes(2);
  });

  test("of defineOnComplete", () => {
    const pool = new Workpool(component);
    const handler = async () => {};
    expect(() =>
      pool.defineOnComplete({ handler, returns: undefined } as never),
    ).toThrow(
      'defineOnComplete has no option "returns". Did you mean "returnValue"? Its options are context, handler, returnValue.',
    );
    expect(() => pool.defineOnComplete({} as never)).toThrow(
      "handler must be a function, not undefined.",
    );
    expect(() => pool.defineOnComplete(undefined as never)).toThrow(
      "The options of defineOnComplete must be an object, not undefined.",
    );
  });
});

describe("a component", () => {
  const components = componentsGeneric();
  test.each<[string, unknown]>([
    ["undefined", undefined],
    ["null", null],
    ["a word", "workpool"],
    ["a handle", "function://workpool"],
    ["an object", {}],
    ["all components", components],
    ["what the app exports", anyApi.workpool],
    ["all that the app exports", anyApi],
    ["a definition", { lib: { enqueue: undefined } }],
  ])("that is %s is refused, with how to mount one", async (_, value) => {
    const how =
      /^Workpool needs a component that is mounted, like components\.workpool, not .*convex\/convex\.config\.ts.*app\.use\(workpool\).*npx convex dev/;
    expect(() => new Workpool(value as never)).toThrow(how);
    const { ctx } = countingCtx();
    await expect(
      enqueue(value as never, ctx, "action", fn, args, {}),
    ).rejects.toThrow(how);
    await expect(
      enqueueBatch(value as never, ctx, "action", fn, [args], {}),
    ).rejects.toThrow(how);
  });

  test("that is mounted by any name is one, and so is what wraps it", () => {
    expect(() => new Workpool(components.emails as never)).not.toThrow();
    const lib = { ...(components.workpool as any), enqueue: jobs.act };
    expect(() => new Workpool({ lib } as never)).not.toThrow();
  });
});

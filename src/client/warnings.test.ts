/** What the peer takes and ignores: taken, and warned of once. */
import { beforeEach, describe, expect, test, vi } from "vitest";
import { component } from "../testing/app.js";
import type { MutationCtx } from "./context.js";

const ctx = {
  runMutation: async (_: unknown, { items }: { items?: unknown[] }) =>
    items ? items.map(() => "id") : "id",
} as unknown as MutationCtx;
const fn = "function://fn" as any;
const onComplete = "function://completed" as any;
const retry = { maxAttempts: 3, initialBackoffMs: 100, base: 2 };

let client: typeof import("./index.js");
let warn: ReturnType<typeof vi.spyOn>;
beforeEach(async () => {
  // As another function call on Convex: no module remembers anything.
  vi.resetModules();
  client = await import("./index.js");
  warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  return () => vi.restoreAllMocks();
});
const warnings = () =>
  warn.mock.calls.map((call: unknown[]) => String(call[0]));

async function run(method: string, options: object, times = 2) {
  const pool = new client.Workpool(component) as any;
  const args = method.endsWith("Batch") ? [{}, {}] : {};
  for (let time = 0; time < times; time++) {
    await pool[method](ctx, fn, args, options);
  }
}

describe("one warning for two calls:", () => {
  test.each<[string, object, RegExp]>([
    [
      "enqueueMutation",
      { retry: true },
      /^\[workpool\] enqueueMutation: retry has no effect on a mutation: .* Leave retry out\.$/,
    ],
    ["enqueueMutationBatch", { retry }, /retry has no effect on a mutation/],
    ["enqueueQuery", { retry }, /retry has no effect on a query/],
    ["enqueueQueryBatch", { retry }, /retry has no effect on a query/],
    [
      "enqueueAction",
      { context: 0 },
      /^\[workpool\] enqueueAction: context has no effect without onComplete, .* Add onComplete, or leave context out\.$/,
    ],
    [
      "enqueueActionBatch",
      { onComplete: undefined, context: { key: "a" } },
      /context has no effect/,
    ],
    [
      "enqueueQuery",
      { onCompleteExcludeKinds: ["success"] },
      /^\[workpool\] enqueueQuery: onCompleteExcludeKinds has no effect without onComplete\. Add/,
    ],
  ])("%s with %j", async (method, options, text) => {
    await run(method, options);
    expect(warnings()).toEqual([expect.stringMatching(text)]);
  });

  test("enqueue and enqueueBatch", async () => {
    const options = {
      retryBehavior: retry,
      defaultRetryBehavior: retry,
      retryActionsByDefault: true,
    };
    for (let time = 0; time < 2; time++) {
      await client.enqueue(component, ctx, "mutation", fn, {}, options);
      await client.enqueueBatch(component, ctx, "mutation", fn, [{}], options);
    }
    expect(warnings()).toEqual([
      expect.stringContaining(
        "[workpool] enqueue: retryBehavior has no effect on a mutation",
      ),
      expect.stringContaining("defaultRetryBehavior has no effect here"),
      expect.stringContaining("retryActionsByDefault has no effect here"),
    ]);
  });
});

test("each kind of mistake has its own warning", async () => {
  await run("enqueueMutation", {
    retry: true,
    context: 1,
    onCompleteExcludeKinds: ["failed"],
  });
  await run("enqueueQuery", { retry: true });
  expect(warnings()).toHaveLength(4);
});

test.each<[string, object]>([
  ["enqueueAction", { retry: true }],
  ["enqueueAction", { retry }],
  ["enqueueMutation", { retry: false }],
  ["enqueueMutation", { retry: undefined }],
  ["enqueueMutation", { context: 1, onComplete }],
  ["enqueueMutation", { onCompleteExcludeKinds: ["success"], onComplete }],
  // Whoever writes null has thought of it.
  ["enqueueMutation", { context: 1, onComplete: null }],
  ["enqueueMutation", { context: undefined, onCompleteExcludeKinds: [] }],
])("no warning: %s with %j", async (method, options) => {
  await run(method, options);
  expect(warnings()).toEqual([]);
});

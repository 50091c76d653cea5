/** Options and functions that an app without types gets wrong. */
import { beforeAll, describe, expect, test } from "vitest";
import { callClient, callComponent, type Outcome, type Where } from "./pool.js";
import { Victim } from "./victim.js";

const victim = Victim.forThisFile();
beforeAll(async () => {
  await callComponent(victim(), "config:update", { maxParallelism: 50 });
});

function expectRefused(outcome: Outcome, words: string): void {
  expect(outcome).toEqual({
    refused: expect.stringContaining(words),
    wrote: false,
  });
}

const KINDS = [
  { kind: "action", method: "enqueueAction", fn: "act" },
  { kind: "mutation", method: "enqueueMutation", fn: "mutate" },
  { kind: "query", method: "enqueueQuery", fn: "read" },
] as const;

describe.each<Where>(["inMutation", "inAction"])("%s", (where) => {
  const call = (method: string, args: unknown[], pool?: object) =>
    callClient(victim(), where, method, args, pool);

  test.each<[object, string]>([
    [{ onCompleted: "mutate" }, 'Did you mean "onComplete"?'],
    [{ delay: 5 }, 'Did you mean "runAfter"?'],
    [{ ttl: 5 }, 'Did you mean "statusTtl"?'],
    [{ statusTtl: { cancelled: 5 } }, 'Did you mean "canceled"?'],
    [{ priority: 5 }, "Its options are "],
    [{ maxParallelism: 5 }, "maxParallelism is an option of the pool"],
    [{ name: "" }, "name must be a string of 1 to 1000 characters"],
  ])("an enqueue with %j is refused", async (options, words) => {
    for (const { method, fn } of KINDS) {
      expectRefused(await call(method, [fn, {}, options]), words);
      expectRefused(
        await call(`${method}Batch`, [fn, [{}, {}], options]),
        words,
      );
    }
  });

  test("a misspelled retry behavior is refused", async () => {
    const retry = { maxAtempts: 3, initialBackoffMs: 1, base: 2 };
    expectRefused(
      await call("enqueueAction", ["act", {}, { retry }]),
      'Did you mean "maxAttempts"?',
    );
  });

  test.each<[object, string]>([
    [{ maxParalelism: 5 }, 'Did you mean "maxParallelism"?'],
    [{ statusTtl: { failure: 5 } }, 'Did you mean "failed"?'],
  ])("a pool with %j is refused", async (pool, words) => {
    expectRefused(await call("enqueueAction", ["act", {}], pool), words);
    expectRefused(await call("cancelAll", [], pool), words);
  });

  test("a misspelled option of cancelAll is refused", async () => {
    expectRefused(
      await call("cancelAll", [{ limits: 5 }]),
      'Did you mean "limit"?',
    );
  });
});

describe("a function that is enqueued as what it is not", () => {
  const info = async (id: string) =>
    ((await callClient(victim(), "inQuery", "get", [id])) as { value: any })
      .value;

  const pairs = KINDS.flatMap((as) =>
    KINDS.filter((is) => is !== as).map((is) => ({ as, is })),
  );
  test.each(pairs)(
    "$is.fn with $as.method fails once, and says how to enqueue it",
    async ({ as, is }) => {
      const retry = { maxAttempts: 5, initialBackoffMs: 1, base: 1 };
      const options = as.kind === "action" ? { retry } : {};
      const outcome = await callClient(victim(), "inMutation", as.method, [
        is.fn,
        {},
        options,
      ]);
      const { value: id } = outcome as { value: string };
      while ((await info(id)).state !== "finished") {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const article = (kind: string) => (kind === "action" ? "an" : "a");
      expect(await info(id)).toMatchObject({
        attempts: 1,
        result: {
          kind: "failed",
          error: `pool:${is.fn} is ${article(is.kind)} ${is.kind} and was enqueued as ${article(as.kind)} ${as.kind}: enqueue it with ${is.method}.`,
        },
      });
    },
  );
});

import { v } from "convex/values";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { testWork } from "../test.js";
import {
  type AppTest,
  appTest,
  effects,
  jobs,
  mutate,
  pool,
} from "../testing/app.js";
import { thisWork } from "./late.js";
import type { Middleware } from "./middleware.js";

let t: AppTest;
beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "error").mockImplementation(() => {});
  t = appTest();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Runs an action as Convex does. */
const run = (action: unknown, args: Record<string, unknown>) =>
  t.action(
    async (ctx) => await (action as any)._handler(ctx, { ...args }),
  ) as Promise<unknown>;

describe("an action that is defined by the pool", () => {
  test("runs attached to its attempt", async () => {
    const args = { key: "a", work: thisWork };
    const id = await mutate(t, (ctx) =>
      pool().enqueueAction(ctx, jobs.attached!, args),
    );
    await t.finishAllScheduledFunctions(vi.runAllTimers);
    expect(await effects(t, "told")).toMatchObject([
      { key: "a", detail: { id, number: 1 } },
    ]);
  });

  test("can be tested by itself", async () => {
    const work = testWork({ number: 4 });
    await t.action(jobs.attached!, { key: "b", work });
    expect(await effects(t, "told")).toMatchObject([
      { key: "b", detail: { number: 4 } },
    ]);
  });

  test("needs its work", async () => {
    await expect(t.action(jobs.attached!, { key: "b" })).rejects.toThrow(
      "work",
    );
  });

  test.each<[object, string]>([
    [{ args: {} }, "handler must be a function, not undefined"],
    [{ handler: () => 1 }, "args must be an object of validators"],
    [
      { args: { work: v.string() }, handler: () => 1 },
      'an argument "work" of its own',
    ],
    [{ args: {}, handler: () => 1, returnValue: v.any() }, "has no option"],
    [{ args: {}, handler: () => 1, use: () => 1 }, "use must be a list"],
  ])("is refused as %j", (definition, message) => {
    expect(() => pool().defineAction(definition as any)).toThrow(message);
  });
});

describe("middleware", () => {
  const noting =
    (name: string, notes: string[]): Middleware =>
    async (_ctx, args, attempt, next) => {
      notes.push(`${name} before ${args.n} in attempt ${attempt.number}`);
      const result = await next();
      notes.push(`${name} after`);
      return `${name}(${String(result)})`;
    };

  test("runs around the handler, the pool's outermost and the first first", async () => {
    const notes: string[] = [];
    const action = pool({
      use: [noting("a", notes), noting("b", notes)],
    }).defineAction({
      args: { n: v.number() },
      use: [noting("c", notes)],
      handler: async (_ctx, { n }, attempt): Promise<string> => {
        notes.push(`handler ${n} in attempt ${attempt.number}`);
        return "done";
      },
    });
    expect(await run(action, { n: 5, work: testWork() })).toBe("a(b(c(done)))");
    expect(notes).toEqual([
      "a before 5 in attempt 1",
      "b before 5 in attempt 1",
      "c before 5 in attempt 1",
      "handler 5 in attempt 1",
      "c after",
      "b after",
      "a after",
    ]);
  });

  test("sees what the handler throws", async () => {
    const action = pool({
      use: [
        async (_ctx, _args, _attempt, next) => {
          try {
            return await next();
          } catch (error) {
            throw new Error(`seen: ${(error as Error).message}`, {
              cause: error,
            });
          }
        },
      ],
    }).defineAction({
      args: {},
      handler: () => {
        throw new Error("no luck");
      },
    });
    await expect(run(action, { work: testWork() })).rejects.toThrow(
      "seen: no luck",
    );
  });

  test("that calls next twice is told so", async () => {
    const action = pool().defineAction({
      args: {},
      use: [
        async (_ctx, _args, _attempt, next) => {
          await next();
          return await next();
        },
      ],
      handler: async () => null,
    });
    await expect(run(action, { work: testWork() })).rejects.toThrow(
      "Middleware 1 called next() twice",
    );
  });

  test("of a pool is refused unless it is a list of functions", () => {
    expect(() => pool({ use: [7 as any] })).toThrow(
      "use must be a list of functions (ctx, args, attempt, next), not [7]",
    );
  });
});

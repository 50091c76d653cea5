import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { componentTest, textOf } from "../testing/component.js";
import type { MutationCtx } from "./_generated/server.js";
import {
  DEFAULT_BUDGET_BYTES,
  fits,
  MAX_WORK_BYTES,
  TransactionBudget,
  type Used,
} from "./budget.js";

const nothing: Used = {
  bytesRead: 0,
  bytesWritten: 0,
  documentsRead: 0,
  documentsWritten: 0,
  databaseQueries: 0,
  functionsScheduled: 0,
};
const PLATFORM_BYTES = 16 * 1024 * 1024;

/** A transaction that has used `used` so far; null: it does not say. */
function transaction(used: Partial<Used> | null): Pick<MutationCtx, "meta"> {
  const getTransactionMetrics = async () => {
    if (used === null) throw new Error("Unknown async operation");
    return Object.fromEntries(
      Object.entries({ ...nothing, ...used }).map(([name, value]) => [
        name,
        { used: value, remaining: 0 },
      ]),
    );
  };
  return { meta: { getTransactionMetrics } } as unknown as MutationCtx;
}

describe("what fits", () => {
  test.each<[string, Partial<Used>, number, boolean]>([
    ["nothing was used", {}, 0, true],
    ["the bound is reached", { bytesRead: 60, bytesWritten: 40 }, 0, true],
    ["the bound is passed", { bytesRead: 60, bytesWritten: 41 }, 0, false],
    ["what comes fits exactly", { bytesRead: 60 }, 40, true],
    ["what comes is too large", { bytesRead: 60 }, 41, false],
    ["many documents were read", { documentsRead: 16_000 }, 0, false],
    ["many documents were written", { documentsWritten: 8_000 }, 0, false],
    ["many ranges were read", { databaseQueries: 2_000 }, 0, false],
    ["many functions were scheduled", { functionsScheduled: 500 }, 0, false],
  ])("%s", (_, used, nextBytes, wanted) => {
    expect(fits({ ...nothing, ...used }, 100, nextBytes)).toBe(wanted);
  });

  test("the largest work on top of a full budget is within the platform's limits", () => {
    expect(DEFAULT_BUDGET_BYTES + MAX_WORK_BYTES).toBeLessThan(PLATFORM_BYTES);
  });
});

test("the first work has room whatever was used before it, the second has not", async () => {
  const budget = new TransactionBudget(
    transaction({ bytesRead: PLATFORM_BYTES }),
    { works: 2 },
  );
  expect(await budget.hasRoom()).toBe(true);
  budget.spend();
  expect(await budget.hasRoom()).toBe(false);
});

test("a transaction that others have used up is told from a fresh one", async () => {
  const used = (bytesWritten: number) =>
    new TransactionBudget(transaction({ bytesWritten }), {
      works: 1,
      bytes: 100,
    });
  expect(await used(100).isUsedUp()).toBe(false);
  expect(await used(101).isUsedUp()).toBe(true);
  const unmeasured = new TransactionBudget(transaction(null), { works: 1 });
  expect(await unmeasured.isUsedUp()).toBe(false);
});

test("no more works than were asked for have room, however small", async () => {
  const budget = new TransactionBudget(transaction({}), { works: 3 });
  budget.spend(2);
  expect(await budget.hasRoom()).toBe(true);
  budget.spend();
  expect(await budget.hasRoom()).toBe(false);
});

describe("where the platform does not measure", () => {
  test.each([
    ["the operation is unknown", transaction(null)],
    ["the library has none", { meta: {} } as unknown as MutationCtx],
    ["there is no meta", {} as unknown as MutationCtx],
  ])("each work counts as the largest: %s", async (_, ctx) => {
    const budget = new TransactionBudget(ctx, { works: 100 });
    let works = 0;
    while (await budget.hasRoom()) {
      budget.spend();
      works += 1;
    }
    expect(works).toBe(3);
  });

  test("or as what the caller knows; then the bound is kept exactly", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(MAX_WORK_BYTES), { minLength: 2 }),
        async (sizes) => {
          const budget = new TransactionBudget(transaction(null), {
            works: 1_000,
          });
          let bytes = 0;
          for (const [index, size] of sizes.entries()) {
            if (!(await budget.hasRoom(size))) break;
            budget.spend(1, size);
            bytes += size;
            if (index > 0) {
              expect(bytes).toBeLessThanOrEqual(DEFAULT_BUDGET_BYTES);
            }
          }
        },
      ),
    );
  });
});

test("a real transaction is measured: what it reads and what it writes", async () => {
  const t = componentTest();
  const works = await t.run(async (ctx) => {
    const budget = new TransactionBudget(ctx, { works: 100, bytes: 1_000_000 });
    let written = 0;
    while (await budget.hasRoom()) {
      await ctx.db.insert("payload", { value: textOf(150_000) });
      budget.spend();
      written += 1;
    }
    return written;
  });
  expect(works).toBe(7);
});

import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  componentTest,
  type ComponentTest,
  item,
} from "../../testing/component.js";
import { api } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import {
  EntryRemoval,
  isWaiting,
  MAX_ENTRY_BYTES,
  MAX_ENTRY_WORKS,
  pack,
  requeue,
} from "./entries.js";
import { MAX_TIMEOUT_MS, SEGMENT_MS } from "../shared.js";

describe("packing", () => {
  const anItem = fc.record({
    dueAt: fc.option(fc.integer({ min: 0, max: 500 })),
    bytes: fc.integer({ min: 0, max: 1_000_000 }),
    isolate: fc.constantFrom(undefined, false, true, "one half", "the other"),
    long: fc.boolean(),
  });

  test("keeps every item once, and those that are due now in order", () => {
    fc.assert(
      fc.property(fc.array(anItem, { maxLength: 150 }), (items) => {
        const packs = pack(items);
        const packed = packs.flatMap(({ items }) => items);
        expect(new Set(packed).size).toBe(items.length);
        expect(packed.length).toBe(items.length);

        const readyOf = (list: typeof items) =>
          list.filter(
            ({ dueAt, isolate, long }) => dueAt === null && !isolate && !long,
          );
        expect(readyOf(packed)).toEqual(readyOf(items));
      }),
    );
  });

  test("bounds an entry in works and bytes", () => {
    fc.assert(
      fc.property(fc.array(anItem, { maxLength: 150 }), (items) => {
        for (const entry of pack(items)) {
          const bytes = entry.items.reduce((sum, { bytes }) => sum + bytes, 0);
          expect(entry.bytes).toBe(bytes);
          expect(bytes).toBeLessThanOrEqual(MAX_ENTRY_BYTES);
          expect(entry.items.length).toBeLessThanOrEqual(MAX_ENTRY_WORKS);
        }
      }),
    );
  });

  test("leaves an isolated work with its group, or alone, and long ones with long ones", () => {
    fc.assert(
      fc.property(fc.array(anItem, { maxLength: 150 }), (items) => {
        for (const entry of pack(items)) {
          const groups = entry.items.map(({ isolate }) => isolate || null);
          expect(new Set(groups).size).toBe(1);
          expect(entry.isolate).toBe(groups[0] !== null);
          if (groups[0] === true) expect(entry.items).toHaveLength(1);
          for (const { long } of entry.items) expect(long).toBe(entry.long);
        }
      }),
    );
  });

  test("gives a group that is due now one entry, up to its bounds", () => {
    const items = (count: number, isolate: string) =>
      Array.from({ length: count }, () => ({ dueAt: null, bytes: 1, isolate }));
    const packs = pack([
      ...items(20, "a"),
      ...items(MAX_ENTRY_WORKS + 1, "b"),
      ...items(10, "a"),
    ]);
    expect(packs.map(({ items }) => [items[0]!.isolate, items.length])).toEqual(
      [
        ["a", 30],
        ["b", MAX_ENTRY_WORKS],
        ["b", 1],
      ],
    );
  });

  test("lets nothing start early, nor more than a segment late", () => {
    fc.assert(
      fc.property(fc.array(anItem, { maxLength: 150 }), (items) => {
        for (const entry of pack(items)) {
          for (const { dueAt } of entry.items) {
            expect(dueAt === null).toBe(entry.dueAt === null);
            expect(entry.dueAt ?? 0).toBeGreaterThanOrEqual(dueAt ?? 0);
            expect(entry.dueAt ?? 0).toBeLessThan((dueAt ?? 0) + SEGMENT_MS);
          }
        }
      }),
    );
  });
});

describe("in the database", () => {
  let t: ComponentTest;
  beforeEach(() => {
    vi.useFakeTimers();
    t = componentTest();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const enqueue = (count: number) =>
    t.mutation(api.lib.enqueueBatch, {
      items: Array.from({ length: count }, () => item()),
      config: {},
    }) as Promise<Id<"work">[]>;
  const work = (id: Id<"work">) =>
    t.run(async (ctx) => (await ctx.db.get("work", id))!);
  const entries = () => t.run((ctx) => ctx.db.query("pendingStart").collect());

  /** The ids of those that were in the queue. */
  const takeOut = (works: Doc<"work">[]) =>
    t.run(async (ctx) => {
      const removal = new EntryRemoval(ctx);
      const taken: Id<"work">[] = [];
      for (const work of works) {
        if (await removal.take(work)) taken.push(work._id);
      }
      await removal.write();
      return taken;
    });

  test("a work that goes back has a new fence and one new entry with its neighbours", async () => {
    const ids = await enqueue(3);
    await t.run(async (ctx) => {
      const rows = await ctx.db.query("work").collect();
      for (const entry of await ctx.db.query("pendingStart").collect()) {
        await ctx.db.delete("pendingStart", entry._id);
      }
      await requeue(
        ctx,
        rows.map((work, n) => ({
          work,
          dueAt: 1_000_001 + n,
          patch: { attempts: 1, lastError: "Error" },
        })),
      );
    });
    const [entry, ...others] = await entries();
    expect(others).toEqual([]);
    expect(entry).toMatchObject({
      kind: "later",
      dueAt: 1_000_003,
      works: ids,
    });
    for (const id of ids) {
      expect(await work(id)).toMatchObject({
        attempts: 1,
        fence: 1,
        entryId: entry!._id,
      });
    }
  });

  test("an isolated work goes back alone", async () => {
    const [first, second] = await enqueue(2);
    await t.run(async (ctx) => {
      const rows = await ctx.db.query("work").collect();
      await requeue(
        ctx,
        rows.map((work) => ({ work, dueAt: null, patch: { isolate: true } })),
      );
    });
    const isolated = (await entries()).filter(
      ({ kind }) => kind === "isolated",
    );
    expect(isolated.map(({ works }) => works)).toEqual([[first], [second]]);
  });

  test("works of one group go back together, and are taken out one by one", async () => {
    const ids = await enqueue(5);
    await t.run(async (ctx) => {
      const rows = await ctx.db.query("work").collect();
      for (const entry of await ctx.db.query("pendingStart").collect()) {
        await ctx.db.delete("pendingStart", entry._id);
      }
      await requeue(
        ctx,
        rows.map((work, index) => ({
          work,
          dueAt: null,
          patch: { isolate: index < 3 ? "first" : "second" },
        })),
      );
    });
    const [first, second] = [ids.slice(0, 3), ids.slice(3)];
    expect(await entries()).toMatchObject([
      { kind: "isolated", works: first },
      { kind: "isolated", works: second },
    ]);
    expect(await t.query(api.lib.status, { id: ids[1]! })).toMatchObject({
      state: "pending",
    });
    await t.mutation(api.lib.cancel, { id: ids[1]! });
    expect((await entries()).map(({ works }) => works)).toEqual([
      [ids[0], ids[2]],
      second,
    ]);

    // Whatever brings them back again, they stay together, or leave.
    await t.run(async (ctx) => {
      for (const entry of await ctx.db.query("pendingStart").collect()) {
        await ctx.db.delete("pendingStart", entry._id);
      }
      const rows = await ctx.db.query("work").collect();
      await requeue(
        ctx,
        rows.map((work) => ({
          work,
          dueAt: null,
          patch: work.isolate === "second" ? { isolate: undefined } : {},
        })),
      );
    });
    expect(await entries()).toMatchObject([
      { kind: "isolated", works: [ids[0], ids[2]] },
      { kind: "ready", works: second },
    ]);
  });

  test("a long work that goes back stays apart from shorter ones", async () => {
    const ids = (await t.mutation(api.lib.enqueueBatch, {
      items: [item(), item({ timeoutMs: MAX_TIMEOUT_MS }), item()],
      config: {},
    })) as Id<"work">[];
    await t.run(async (ctx) => {
      for (const entry of await ctx.db.query("pendingStart").collect()) {
        await ctx.db.delete("pendingStart", entry._id);
      }
      const rows = await ctx.db.query("work").collect();
      const works = ids.map((id) => rows.find(({ _id }) => _id === id)!);
      await requeue(
        ctx,
        works.map((work) => ({ work, dueAt: null, patch: { attempts: 1 } })),
      );
    });
    expect(
      (await entries()).map(({ works, kind }) => [works, kind === "long"]),
    ).toEqual([
      [[ids[0], ids[2]], false],
      [[ids[1]], true],
    ]);
  });

  test.each([1, 3])("a work of %i is taken out once", async (count) => {
    const ids = await enqueue(count);
    const taken = await work(ids[0]!);
    expect(await t.run((ctx) => isWaiting(ctx, taken))).toBe(true);
    expect(await takeOut([taken])).toEqual([taken._id]);
    expect(await t.run((ctx) => isWaiting(ctx, taken))).toBe(false);
    expect(await takeOut([taken])).toEqual([]);
    expect((await entries()).flatMap(({ works }) => works)).toEqual(
      ids.slice(1),
    );
  });

  test("works are taken out together, and empty entries go", async () => {
    const ids = await enqueue(MAX_ENTRY_WORKS + 2);
    const [alone] = await enqueue(1);
    const gone = [...ids.slice(0, MAX_ENTRY_WORKS), ids.at(-1)!, alone!];
    expect(await takeOut(await Promise.all(gone.map(work)))).toEqual(gone);
    const left = ids[MAX_ENTRY_WORKS]!;
    expect(await entries()).toMatchObject([
      { works: [left], bytes: (await work(left)).argsSize },
    ]);
  });
});

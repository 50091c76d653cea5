import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type ExecutorView,
  freeSlots,
  leaseOf,
  relieve,
  unleased,
} from "./lease.js";
import { merge, plan, type Plan, type WaitingEntry } from "./plan.js";

const CAP = 4;

function executor(
  id: string,
  changes: Partial<ExecutorView> = {},
): ExecutorView {
  return {
    id,
    width: 10,
    epoch: 0,
    closing: false,
    inFlight: 0,
    // As if no lease had been wider than the present one.
    peak: changes.width ?? 10,
    worksPerSlot: 1,
    ...changes,
  };
}

function entry(id: string, works = 1, waitingSince = 0): WaitingEntry {
  return { id, kind: "ready", waitingSince, works };
}

const hasRoom = (
  limit: number,
  cap: number,
  executors: readonly ExecutorView[],
) => !plan(limit, cap, executors, [entry("probe")], []).leftOver;
const totalOf = (made: Plan) =>
  made.pieces.reduce((sum, { works }) => sum + works, 0);
/** How many handlers may have begun and not ended. */
const runningOf = (executors: readonly ExecutorView[]) =>
  executors.reduce(
    (sum, { inFlight, peak }) => sum + Math.min(inFlight, peak),
    0,
  );
const leasesOf = (executors: readonly ExecutorView[]) =>
  executors.reduce((sum, each) => sum + leaseOf(each), 0);

/** The executors after a plan was carried out. */
function apply(executors: readonly ExecutorView[], made: Plan): ExecutorView[] {
  const after = executors.map((each) => ({ ...each }));
  const newOnes = made.newExecutors.map(({ width, isolated }, index) =>
    executor(`new ${executors.length + index} ${Math.random()}`, {
      width,
      closing: isolated,
    }),
  );
  for (const { id, width } of made.grow) {
    const grown = after.find((each) => each.id === id)!;
    grown.width = width;
    grown.peak = Math.max(grown.peak, width);
  }
  for (const { works, target } of made.pieces) {
    const receiver =
      target.kind === "new"
        ? newOnes[target.index]!
        : after.find(({ id }) => id === target.id)!;
    receiver.inFlight += works;
  }
  return [...after, ...newOnes];
}

/** As the loop does before each plan: an older, wider lease is over once what is in flight fits the present one. */
function settlePeaks(executors: ExecutorView[]): void {
  for (const each of executors) {
    if (!each.closing && each.inFlight <= each.width) each.peak = each.width;
  }
}

const someExecutors = fc
  .array(
    fc.record({
      width: fc.nat(30),
      inFlight: fc.nat(60),
      closing: fc.boolean(),
      narrowedBy: fc.constantFrom(0, 0, 5, 20),
      worksPerSlot: fc.constantFrom(1, 1.5, 4),
    }),
    { maxLength: 5 },
  )
  .map((parts) => {
    const executors = parts.map(({ narrowedBy, ...part }, index) =>
      executor(`e${index}`, { ...part, peak: part.width + narrowedBy }),
    );
    settlePeaks(executors);
    return executors;
  });
const someEntries = fc
  .array(fc.integer({ min: 1, max: 32 }), { maxLength: 12 })
  .map((sizes) => sizes.map((works, index) => entry(`w${index}`, works)));
const someDriver = fc.option(
  fc.record({
    id: fc.constantFrom("e0", "e1", "e2"),
    width: fc.constantFrom(4, 16),
  }),
);
const isolatedWorks = fc.nat(4).map((count) =>
  Array.from({ length: count }, (_, index): WaitingEntry => ({
    ...entry(`i${index}`),
    kind: "isolated",
  })),
);

describe("merging", () => {
  test("puts first what has waited longest, the first list's before the second's at a tie", () => {
    const ready = [entry("r1", 1, 1), entry("r2", 1, 5)];
    const due = [entry("d1", 1, 1), entry("d2", 1, 3)];
    expect(merge(ready, due).map(({ id }) => id)).toEqual([
      "r1",
      "d1",
      "d2",
      "r2",
    ]);
  });

  test("keeps every entry, and the order within each list even where times contradict it", () => {
    const times = fc.array(fc.nat(20), { maxLength: 20 });
    fc.assert(
      fc.property(times, times, (a, b) => {
        const as = a.map((time, index) => entry(`a${index}`, 1, time));
        const bs = b.map((time, index) => entry(`b${index}`, 1, time));
        const merged = merge(as, bs);
        const of = (prefix: string) =>
          merged.filter(({ id }) => id.startsWith(prefix));
        expect(merged).toHaveLength(as.length + bs.length);
        expect(of("a")).toEqual(as);
        expect(of("b")).toEqual(bs);
      }),
    );
  });
});

describe("a plan", () => {
  test("widens the lease of a driver before it starts an executor, and only so far", () => {
    const driver = { id: "a", width: 12 };
    const executors = [executor("a", { inFlight: 10 })];
    const made = plan(20, CAP, executors, [entry("w", 5)], [], driver);
    expect(made.grow).toEqual([{ id: "a", width: 12 }]);
    expect(made.pieces.map(({ works }) => works)).toEqual([2, 3]);
    expect(made.newExecutors).toHaveLength(1);
    expect(plan(11, CAP, executors, [entry("w")], [], driver)).toMatchObject({
      grow: [{ id: "a", width: 11 }],
      newExecutors: [],
      leftOver: false,
    });
  });

  test("fills free slots before it starts an executor", () => {
    const made = plan(
      20,
      CAP,
      [executor("a", { inFlight: 4 })],
      [entry("w", 6)],
      [],
    );
    expect(made.pieces).toEqual([
      { entryId: "w", works: 6, target: { kind: "executor", id: "a" } },
    ]);
    expect(made.newExecutors).toEqual([]);
  });

  test("begins with the executor that has most room", () => {
    const made = plan(
      40,
      CAP,
      [executor("full", { inFlight: 9 }), executor("free", { inFlight: 1 })],
      [entry("w", 10)],
      [],
    );
    expect(made.pieces.map(({ works, target }) => [works, target])).toEqual([
      [9, { kind: "executor", id: "free" }],
      [1, { kind: "executor", id: "full" }],
    ]);
  });

  test("splits an entry over executors, and leaves what finds no place", () => {
    const made = plan(10, CAP, [], [entry("w", 32)], []);
    expect(totalOf(made)).toBe(10);
    expect(made.leftOver).toBe(true);
  });

  test("hands nothing to an executor that is closing, and starts one more when all are", () => {
    const leaving = (id: string) =>
      executor(id, { closing: true, inFlight: 2 });
    const one = plan(12, 1, [leaving("a")], [entry("w")], []);
    expect(one.newExecutors).toEqual([
      { width: 10, isolated: false, listener: true },
    ]);
    expect(one.pieces).toMatchObject([{ target: { kind: "new", index: 0 } }]);

    const two = plan(12, 1, [leaving("a"), leaving("b")], [entry("w")], []);
    expect(two.pieces).toEqual([]);
    expect(two.leftOver).toBe(true);
  });

  test("makes the last executor that may be started a listener with all that is left", () => {
    const made = plan(100, 2, [], [entry("w", 32), entry("x", 32)], []);
    expect(made.newExecutors).toEqual([
      { width: 50, isolated: false, listener: false },
      { width: 50, isolated: false, listener: true },
    ]);
    const last = plan(
      100,
      2,
      [executor("a", { inFlight: 10 })],
      [entry("w")],
      [],
    );
    expect(last.newExecutors).toEqual([
      { width: 90, isolated: false, listener: true },
    ]);
  });

  test("widens a lease when the limit was raised and no executor may be started", () => {
    const made = plan(
      30,
      2,
      [executor("a", { inFlight: 10 }), executor("b", { inFlight: 9 })],
      [entry("w", 8)],
      [],
    );
    expect(made.grow).toEqual([{ id: "b", width: 20 }]);
    expect(totalOf(made)).toBe(8);
    expect(made.leftOver).toBe(false);
  });

  test("hands short works over ahead, once no slot is left anywhere", () => {
    const executors = [
      executor("a", { inFlight: 10, worksPerSlot: 3 }),
      executor("b", { inFlight: 8 }),
    ];
    const made = plan(20, 2, executors, [entry("w", 32)], []);
    expect(made.pieces.map(({ works, target }) => [works, target])).toEqual([
      [2, { kind: "executor", id: "b" }],
      [8, { kind: "executor", id: "a" }],
      [8, { kind: "executor", id: "a" }],
      [4, { kind: "executor", id: "a" }],
    ]);
    expect(made.leftOver).toBe(true);
  });

  test("prefers a new executor and a wider lease to handing over ahead", () => {
    const full = [executor("a", { inFlight: 10, worksPerSlot: 64 })];
    expect(plan(20, 2, full, [entry("w", 10)], []).newExecutors).toHaveLength(
      1,
    );
    const alone = plan(20, 1, full, [entry("w", 10)], []);
    expect(alone.grow).toEqual([{ id: "a", width: 20 }]);
  });

  test("spreads what is handed over ahead in small shares", () => {
    const short = { inFlight: 10, worksPerSlot: 5 };
    const both = [executor("a", short), executor("b", short)];
    const made = plan(20, 2, both, [entry("w", 32)], []);
    const ids = made.pieces.map(({ target }) => "id" in target && target.id);
    expect(ids).toEqual(["a", "b", "a", "b"]);
    expect(totalOf(made)).toBe(32);
    expect(made.leftOver).toBe(false);
  });

  test("hands nothing over, not even ahead, while more may run than the limit allows", () => {
    const executors = [
      // Its lease became narrower; its handlers have not ended yet.
      executor("a", { width: 2, peak: 10, inFlight: 30, worksPerSlot: 20 }),
      executor("b", { width: 3, inFlight: 0, worksPerSlot: 20 }),
    ];
    expect(plan(5, 2, executors, [entry("w")], [])).toMatchObject({
      pieces: [],
      leftOver: true,
    });
  });

  test("gives each isolated work an executor of its own that is for nothing else", () => {
    const alone = { ...entry("i"), kind: "isolated" as const };
    const made = plan(10, CAP, [], [entry("w", 4)], [alone]);
    expect(made.newExecutors[0]).toEqual({
      width: 1,
      isolated: true,
      listener: false,
    });
    expect(made.pieces.filter(({ entryId }) => entryId === "i")).toEqual([
      { entryId: "i", works: 1, target: { kind: "new", index: 0 } },
    ]);
    for (const { entryId, target } of made.pieces) {
      if (entryId === "w") expect(target).toEqual({ kind: "new", index: 1 });
    }
  });

  test("keeps one executor slot for works that are not isolated", () => {
    const alone = { ...entry("i"), kind: "isolated" as const };
    const made = plan(10, 2, [], [entry("w")], [alone, { ...alone, id: "j" }]);
    expect(made.newExecutors.filter(({ isolated }) => isolated)).toHaveLength(
      1,
    );
    expect(made.pieces.map(({ entryId }) => entryId)).toEqual(["i", "w"]);
    // The isolated one that waits keeps nobody else from starting.
    expect(made.leftOver).toBe(false);
  });

  test("starts nothing while as many are in flight as the limit allows, however they are spread", () => {
    // The limit was lowered from 20 to 5 while one executor had ten works in flight.
    const executors = [
      executor("a", { inFlight: 10 }),
      executor("b", { inFlight: 3, worksPerSlot: 9 }),
    ];
    const widths = relieve(5, executors);
    const relieved = executors.map((each) => ({
      ...each,
      width: widths.get(each.id)!,
    }));
    expect(plan(5, CAP, relieved, [entry("w", 8)], []).pieces).toEqual([]);
    expect(hasRoom(5, CAP, relieved)).toBe(false);
  });
});

describe("whatever there is,", () => {
  const situation = fc.record({
    limit: fc.nat(80),
    executors: someExecutors,
    entries: someEntries,
    isolated: isolatedWorks,
    driver: someDriver,
  });

  test("a plan takes entries in order, whole ones before parts, and never more than they have", () => {
    fc.assert(
      fc.property(
        situation,
        ({ limit, executors, entries, isolated, driver }) => {
          const made = plan(limit, CAP, executors, entries, isolated, driver);
          const waiting = [...isolated, ...entries];
          const taken = new Map<string, number>();
          const order: string[] = [];
          for (const { entryId, works } of made.pieces) {
            expect(works).toBeGreaterThan(0);
            if (!taken.has(entryId)) order.push(entryId);
            taken.set(entryId, (taken.get(entryId) ?? 0) + works);
          }
          const ids = (list: readonly WaitingEntry[]) =>
            list.map(({ id }) => id);
          const isolatedTaken = order.filter((id) => id.startsWith("i"));
          const othersTaken = order.filter((id) => id.startsWith("w"));
          expect(isolatedTaken).toEqual(
            ids(isolated).slice(0, isolatedTaken.length),
          );
          expect(othersTaken).toEqual(
            ids(entries).slice(0, othersTaken.length),
          );
          for (const { id, works } of waiting) {
            expect(taken.get(id) ?? 0).toBeLessThanOrEqual(works);
            // Only the last one may be taken in part.
            const isPart = (taken.get(id) ?? works) < works;
            if (isPart) expect(id).toBe(othersTaken.at(-1));
          }
          expect(made.leftOver).toBe(
            entries.some(({ id, works }) => (taken.get(id) ?? 0) < works),
          );
        },
      ),
    );
  });

  test("no lease becomes wider by a plan that does not say so", () => {
    fc.assert(
      fc.property(
        situation,
        ({ limit, executors, entries, isolated, driver }) => {
          const made = plan(limit, CAP, executors, entries, isolated, driver);
          const after = apply(executors, made);
          executors.forEach((before, index) => {
            if (made.grow.some(({ id }) => id === before.id)) return;
            expect(leaseOf(after[index]!)).toBe(leaseOf(before));
          });
        },
      ),
    );
  });

  test("nothing starts beyond the limit, beyond a width, or beyond the executors allowed", () => {
    fc.assert(
      fc.property(
        situation,
        ({ limit, executors, entries, isolated, driver }) => {
          const made = plan(limit, CAP, executors, entries, isolated, driver);
          const after = apply(executors, made);
          expect(leasesOf(after)).toBeLessThanOrEqual(
            Math.max(limit, leasesOf(executors)),
          );
          if (made.pieces.length > 0) {
            expect(runningOf(after)).toBeLessThanOrEqual(limit);
          }
          for (const [index, each] of after.entries()) {
            const before = executors[index];
            const inFlight = before?.inFlight ?? 0;
            if (each.inFlight === inFlight) continue;
            const widened = before ? each.width - leaseOf(before) : 0;
            expect(each.inFlight).toBeLessThanOrEqual(
              Math.max(
                Math.ceil(each.width * each.worksPerSlot),
                inFlight + widened,
              ),
            );
            expect(before?.closing ?? false).toBe(false);
          }
          // Where all are draining, one more than they are.
          const draining = executors.every(({ closing }) => closing);
          const allowed = Math.max(CAP, executors.length + (draining ? 1 : 0));
          expect(after.length).toBeLessThanOrEqual(allowed);
          expect(after.length).toBeLessThanOrEqual(
            Math.max(2 * CAP, executors.length),
          );
        },
      ),
    );
  });

  test("nothing is handed over ahead while a slot is free", () => {
    fc.assert(
      fc.property(situation, ({ limit, executors, entries, driver }) => {
        const made = plan(limit, CAP, executors, entries, [], driver);
        const after = apply(executors, made);
        const ahead = after.some(
          ({ inFlight, width }, index) =>
            inFlight > Math.max(width, executors[index]?.inFlight ?? 0),
        );
        if (!ahead) return;
        for (const each of after) expect(freeSlots(each)).toBe(0);
        expect(unleased(limit, after)).toBe(0);
      }),
    );
  });

  test("at most the last executor that is started listens, and only when the cap is reached", () => {
    fc.assert(
      fc.property(
        situation,
        ({ limit, executors, entries, isolated, driver }) => {
          const made = plan(limit, CAP, executors, entries, isolated, driver);
          made.newExecutors.forEach(({ listener, isolated: apart }, index) => {
            // Or beyond it, when all others are draining.
            const isLast = !apart && executors.length + index + 1 >= CAP;
            expect(listener).toBe(isLast);
          });
        },
      ),
    );
  });

  test("a limit with nothing in flight always has room, and 0 never", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        someExecutors,
        (limit, all) => {
          const idle = all
            .slice(0, CAP)
            .map((each) => ({ ...each, closing: false, inFlight: 0 }));
          const widths = relieve(limit, idle);
          const relieved = idle.map((each) => ({
            ...each,
            width: widths.get(each.id)!,
          }));
          expect(hasRoom(limit, CAP, relieved)).toBe(true);
          expect(hasRoom(0, CAP, relieved)).toBe(false);
        },
      ),
    );
  });

  test("the limit holds through any history of changes, completions and departures", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("limit" as const), to: fc.nat(60) }),
      fc.record({
        kind: fc.constant("end" as const),
        which: fc.nat(7),
        count: fc.nat(60),
      }),
      fc.record({
        kind: fc.constant("speed" as const),
        which: fc.nat(7),
        worksPerSlot: fc.constantFrom(1, 3, 10),
      }),
      fc.record({ kind: fc.constant("close" as const), which: fc.nat(7) }),
      fc.record({
        kind: fc.constant("start" as const),
        works: fc.nat(60),
        driven: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let limit = 10;
        let executors: ExecutorView[] = [];
        for (const each of steps) {
          const chosen =
            "which" in each
              ? executors[each.which % Math.max(1, executors.length)]
              : undefined;
          if (each.kind === "limit") {
            limit = each.to;
            const widths = relieve(limit, executors);
            executors = executors.map((one) => ({
              ...one,
              width: widths.get(one.id) ?? one.width,
            }));
          } else if (each.kind === "end" && chosen) {
            chosen.inFlight = Math.max(0, chosen.inFlight - each.count);
          } else if (each.kind === "speed" && chosen) {
            chosen.worksPerSlot = each.worksPerSlot;
          } else if (each.kind === "close" && chosen) {
            chosen.closing = true;
          } else if (each.kind === "start" && each.works > 0) {
            settlePeaks(executors);
            const before = runningOf(executors);
            const made = plan(
              limit,
              CAP,
              executors,
              [entry("w", each.works)],
              [],
              each.driven && executors[0]
                ? { id: executors[0].id, width: 16 }
                : null,
            );
            executors = apply(executors, made);
            expect(runningOf(executors)).toBeLessThanOrEqual(
              Math.max(before, limit),
            );
          }
          executors = executors.filter(
            ({ closing, inFlight }) => !closing || inFlight > 0,
          );
        }
      }),
    );
  });
});

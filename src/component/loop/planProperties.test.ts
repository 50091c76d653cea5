/** What is true of every plan. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CAPS, entry, executor, hasRoom } from "../../testing/plans.js";
import {
  type ExecutorView,
  freeSlots,
  leaseOf,
  relieve,
  unleased,
} from "./lease.js";
import { plan, type Plan } from "./plan.js";
import type { WaitingEntry } from "./admit.js";

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
  const newOnes = made.newExecutors.map(({ width, isolated, long }, index) =>
    executor(`new ${executors.length + index} ${Math.random()}`, {
      width,
      long,
      closing: isolated,
    }),
  );
  for (const { id, width } of made.leases) {
    const changed = after.find((each) => each.id === id)!;
    changed.peak =
      width < changed.width ? width : Math.max(changed.peak, width);
    changed.width = width;
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
      asleep: fc.boolean(),
      long: fc.constantFrom(false, false, true),
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
  .array(fc.tuple(fc.integer({ min: 1, max: 32 }), fc.nat(3)), {
    maxLength: 12,
  })
  .map((parts) =>
    parts.map(([works, kind], index): WaitingEntry =>
      kind === 0
        ? { ...entry(`l${index}`, works), kind: "long" }
        : entry(`w${index}`, works),
    ),
  );
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

describe("whatever there is,", () => {
  const situation = fc.record({
    limit: fc.nat(80),
    executors: someExecutors,
    entries: someEntries,
    isolated: isolatedWorks,
    driver: someDriver,
  });
  type Situation = Parameters<Parameters<typeof situation.map>[0]>[0];
  type Planned = Situation & { made: Plan; after: ExecutorView[] };

  /** Checks a plan, and what the executors are after it. */
  const ofEveryPlan = (
    check: (planned: Planned) => void,
    { isolating = true } = {},
  ) =>
    fc.assert(
      fc.property(situation, (drawn) => {
        const isolated = isolating ? drawn.isolated : [];
        const { limit, executors, entries, driver } = drawn;
        const made = plan(limit, CAPS, executors, entries, isolated, {
          favored: driver,
        });
        check({ ...drawn, isolated, made, after: apply(executors, made) });
      }),
    );

  test("a plan takes entries in order, whole ones before parts, and never more than they have", () => {
    ofEveryPlan(({ entries, isolated, made }) => {
      const waiting = [...isolated, ...entries];
      const taken = new Map<string, number>();
      const order: string[] = [];
      for (const { entryId, works } of made.pieces) {
        expect(works).toBeGreaterThan(0);
        if (!taken.has(entryId)) order.push(entryId);
        taken.set(entryId, (taken.get(entryId) ?? 0) + works);
      }
      const ids = (list: readonly WaitingEntry[]) => list.map(({ id }) => id);
      for (const kind of ["i", "l", "w"]) {
        const own = ids(waiting).filter((id) => id.startsWith(kind));
        const takenOwn = order.filter((id) => id.startsWith(kind));
        expect(takenOwn).toEqual(own.slice(0, takenOwn.length));
      }
      for (const { id, works } of waiting) {
        expect(taken.get(id) ?? 0).toBeLessThanOrEqual(works);
        // Only the last one may be taken in part.
        const isPart = (taken.get(id) ?? works) < works;
        const own = order.filter((each) => each[0] === id[0]);
        if (isPart) expect(id).toBe(own.at(-1));
      }
      expect(made.leftOver).toBe(
        entries.some(
          ({ id, kind, works }) =>
            kind !== "long" && (taken.get(id) ?? 0) < works,
        ),
      );
    });
  });

  test("no lease changes by a plan that does not say so", () => {
    ofEveryPlan(({ executors, made, after }) => {
      executors.forEach((before, index) => {
        if (made.leases.some(({ id }) => id === before.id)) return;
        expect(leaseOf(after[index]!)).toBe(leaseOf(before));
      });
    });
  });

  test("nothing starts beyond the limit, beyond a width, or beyond the executors allowed", () => {
    ofEveryPlan(({ limit, executors, made, after }) => {
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
      expect(after.length).toBeLessThanOrEqual(
        Math.max(CAPS.inAll, executors.length),
      );
    });
  });

  test("nothing is handed over ahead while a slot is free", () => {
    ofEveryPlan(
      ({ limit, executors, after }) => {
        const ahead = after.filter(
          ({ inFlight, width }, index) =>
            inFlight > Math.max(width, executors[index]?.inFlight ?? 0),
        );
        if (ahead.length === 0) return;
        for (const [index, each] of after.entries()) {
          // What was just started for works of the other kind keeps its slots.
          const isOthers = ahead.every(({ long }) => long !== each.long);
          if (index >= executors.length && isOthers) continue;
          expect(freeSlots(each)).toBe(0);
        }
        expect(unleased(limit, after)).toBe(0);
      },
      { isolating: false },
    );
  });

  test("at most the last executor that is started listens, and only when the cap is reached", () => {
    ofEveryPlan(({ executors, made }) => {
      made.newExecutors.forEach(
        ({ listener, isolated: apart, long }, index) => {
          const isLast =
            !apart && !long && executors.length + index + 1 >= CAPS.inAll;
          expect(listener).toBe(isLast);
        },
      );
    });
  });

  test("a limit with nothing in flight always has room, and 0 never", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        someExecutors,
        (limit, all) => {
          const idle = all.slice(0, CAPS.accepting).map((each) => ({
            ...each,
            closing: false,
            asleep: false,
            inFlight: 0,
          }));
          const widths = relieve(limit, idle);
          const relieved = idle.map((each) => ({
            ...each,
            width: widths.get(each.id)!,
          }));
          expect(hasRoom(limit, CAPS, relieved)).toBe(true);
          expect(hasRoom(0, CAPS, relieved)).toBe(false);
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
              CAPS,
              executors,
              [entry("w", each.works)],
              [],
              {
                favored:
                  each.driven && executors[0]
                    ? { id: executors[0].id, width: 16 }
                    : null,
              },
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

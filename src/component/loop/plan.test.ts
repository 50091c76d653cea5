import { describe, expect, test } from "vitest";
import {
  CAPS,
  caps,
  entry,
  executor,
  hasRoom,
  totalOf,
} from "../../testing/plans.js";
import { relieve } from "./lease.js";
import { plan } from "./plan.js";

describe("a plan", () => {
  test("widens the lease of a driver before it starts an executor, and only so far", () => {
    const driver = { id: "a", width: 12 };
    const executors = [executor("a", { inFlight: 10 })];
    const made = plan(20, CAPS, executors, [entry("w", 5)], [], {
      favored: driver,
    });
    expect(made.leases).toEqual([{ id: "a", width: 12 }]);
    expect(made.pieces.map(({ works }) => works)).toEqual([2, 3]);
    expect(made.newExecutors).toHaveLength(1);
    expect(
      plan(11, CAPS, executors, [entry("w")], [], { favored: driver }),
    ).toMatchObject({
      leases: [{ id: "a", width: 11 }],
      newExecutors: [],
      leftOver: false,
    });
  });

  test("fills free slots before it starts an executor", () => {
    const made = plan(
      20,
      CAPS,
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
      CAPS,
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
    const made = plan(10, CAPS, [], [entry("w", 32)], []);
    expect(totalOf(made)).toBe(10);
    expect(made.leftOver).toBe(true);
  });

  test("hands nothing to an executor that is closing, and starts one more when all are", () => {
    const leaving = (id: string) =>
      executor(id, { closing: true, inFlight: 2 });
    const few = { ...caps(1), inAll: 2 };
    const one = plan(12, few, [leaving("a")], [entry("w")], []);
    expect(one.newExecutors).toEqual([
      { width: 10, isolated: false, long: false, listener: true },
    ]);
    expect(one.pieces).toMatchObject([{ target: { kind: "new", index: 0 } }]);

    const two = plan(12, few, [leaving("a"), leaving("b")], [entry("w")], []);
    expect(two.pieces).toEqual([]);
    expect(two.leftOver).toBe(true);
  });

  test("makes the last executor that may be started a listener with all that is left", () => {
    const made = plan(100, caps(2), [], [entry("w", 32), entry("x", 32)], []);
    expect(made.newExecutors).toEqual([
      { width: 50, isolated: false, long: false, listener: false },
      { width: 50, isolated: false, long: false, listener: true },
    ]);
    const last = plan(
      100,
      caps(2),
      [executor("a", { inFlight: 10 })],
      [entry("w")],
      [],
    );
    expect(last.newExecutors).toEqual([
      { width: 90, isolated: false, long: false, listener: true },
    ]);
  });

  test("widens a lease when the limit was raised and no executor may be started", () => {
    const made = plan(
      30,
      caps(2),
      [executor("a", { inFlight: 10 }), executor("b", { inFlight: 9 })],
      [entry("w", 8)],
      [],
    );
    expect(made.leases).toEqual([{ id: "b", width: 20 }]);
    expect(totalOf(made)).toBe(8);
    expect(made.leftOver).toBe(false);
  });

  test("hands short works over ahead, once no slot is left anywhere", () => {
    const executors = [
      executor("a", { inFlight: 10, worksPerSlot: 3 }),
      executor("b", { inFlight: 8 }),
    ];
    const made = plan(20, caps(2), executors, [entry("w", 32)], []);
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
    expect(
      plan(20, caps(2), full, [entry("w", 10)], []).newExecutors,
    ).toHaveLength(1);
    const alone = plan(20, caps(1), full, [entry("w", 10)], []);
    expect(alone.leases).toEqual([{ id: "a", width: 20 }]);
  });

  test("spreads what is handed over ahead in small shares", () => {
    const short = { inFlight: 10, worksPerSlot: 5 };
    const both = [executor("a", short), executor("b", short)];
    const made = plan(20, caps(2), both, [entry("w", 32)], []);
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
    expect(plan(5, caps(2), executors, [entry("w")], [])).toMatchObject({
      pieces: [],
      leftOver: true,
    });
  });

  test("hands nothing ahead to an executor whose slots run under an older, wider lease", () => {
    const narrowed = { width: 0, peak: 5, inFlight: 5, worksPerSlot: 2 };
    const made = plan(5, CAPS, [executor("a", narrowed)], [entry("w")], []);
    expect(made).toMatchObject({ pieces: [], leftOver: true });
  });

  test("gives each isolated work an executor of its own that is for nothing else", () => {
    const alone = { ...entry("i"), kind: "isolated" as const };
    const made = plan(10, CAPS, [], [entry("w", 4)], [alone]);
    expect(made.newExecutors[0]).toEqual({
      width: 1,
      isolated: true,
      long: false,
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
    const made = plan(
      10,
      caps(2),
      [],
      [entry("w")],
      [alone, { ...alone, id: "j" }],
    );
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
    expect(plan(5, CAPS, relieved, [entry("w", 8)], []).pieces).toEqual([]);
    expect(hasRoom(5, CAPS, relieved)).toBe(false);
  });

  test("hands nothing to an executor that sleeps, and starts another for what is free", () => {
    const asleep = executor("a", { inFlight: 10, asleep: true });
    const made = plan(14, CAPS, [asleep], [entry("w", 8)], []);
    expect(made.leases).toEqual([]);
    expect(made.newExecutors).toMatchObject([{ width: 4 }]);
    expect(totalOf(made)).toBe(4);
  });

  test("where all that accept sleep, leaves a few slots to the next of them that reports", () => {
    const asleep = ["a", "b", "c", "d"].map((id) =>
      executor(id, { inFlight: 10, asleep: true }),
    );
    const few = plan(43, CAPS, asleep, [entry("w", 8)], []);
    expect(few.pieces).toEqual([]);
    // Many are worth one more executor.
    const many = plan(60, CAPS, asleep, [entry("w", 32)], []);
    expect(many.newExecutors).toMatchObject([{ width: 20 }]);
  });

  test("takes the last slot of an idle executor for long works once nothing has moved, though all others sleep", () => {
    const asleep = ["a", "b", "c", "d"].map((id) =>
      executor(id, { inFlight: 10, asleep: true }),
    );
    const idle = executor("l", { width: 1, inFlight: 0, long: true });
    const executors = [...asleep, idle];
    const patient = plan(41, CAPS, executors, [entry("w", 8)], []);
    expect(patient).toMatchObject({ newExecutors: [], leftOver: true });
    const made = plan(41, CAPS, executors, [entry("w", 8)], [], {
      impatient: true,
    });
    expect(made.leases).toEqual([{ id: "l", width: 0 }]);
    expect(made.newExecutors).toMatchObject([{ width: 1, long: false }]);
    expect(made.pieces.map(({ works }) => works)).toEqual([1]);
  });

  test("leaves a single slot that a report has freed to the next report of another", () => {
    const leaving = executor("l", { closing: true, inFlight: 4 });
    const asleep = executor("a", { width: 7, inFlight: 7, asleep: true });
    const of = (limit: number, executors = [leaving, asleep], refills = true) =>
      plan(limit, CAPS, executors, [entry("w", 8)], [], { refills });
    expect(of(12)).toMatchObject({ newExecutors: [], leftOver: true });
    // More than that is worth one more; and where nobody is open, nobody takes it.
    expect(of(13)).toMatchObject({ newExecutors: [{ width: 2 }] });
    expect(of(5, [leaving])).toMatchObject({ newExecutors: [{ width: 1 }] });
    // A tick knows of no report.
    const byTick = of(12, [leaving, asleep], false);
    expect(byTick).toMatchObject({ newExecutors: [{ width: 1 }] });
    // The other's own report widens it.
    const awake = executor("a", { width: 7, inFlight: 6 });
    expect(of(12, [leaving, awake])).toMatchObject({
      newExecutors: [],
      leases: [{ id: "a", width: 8 }],
    });
  });

  test("starts an executor for the few that wait where much is free in one for long works", () => {
    const busy = ["a", "b", "c", "d"].map((id) =>
      executor(id, { width: 8, inFlight: 8, asleep: true }),
    );
    const long = executor("l", { width: 40, inFlight: 3, long: true });
    const made = plan(72, CAPS, [...busy, long], [entry("w", 5)], []);
    expect(made).toMatchObject({
      leases: [{ id: "l", width: 35 }],
      newExecutors: [{ width: 5, long: false }],
      leftOver: false,
    });
  });

  test("starts an executor for a single freed slot of a small limit, unless another can be widened", () => {
    const asleep = executor("a", { width: 1, inFlight: 1, asleep: true });
    const idle = executor("l", { width: 1, inFlight: 0, long: true });
    const of = (limit: number, executors = [asleep, idle]) =>
      plan(limit, CAPS, executors, [entry("w", 8)], [], { refills: true });
    // Of eight, one is an eighth: the next report may be far away.
    expect(of(2)).toMatchObject({
      newExecutors: [{ width: 1 }],
      leases: [{ id: "l", width: 0 }],
    });
    const awake = executor("a", { width: 1, inFlight: 1 });
    expect(of(2, [awake, idle])).toMatchObject({
      newExecutors: [],
      leases: [
        { id: "a", width: 2 },
        { id: "l", width: 0 },
      ],
    });
  });

  test("gives long works executors of their own, and ordinary ones nothing of those", () => {
    const open = executor("a", { inFlight: 1 });
    const long = { ...entry("l", 3), kind: "long" as const };
    const made = plan(13, CAPS, [open], [long, entry("w", 9)], []);
    expect(made.newExecutors).toEqual([
      { width: 3, isolated: false, long: true, listener: false },
    ]);
    expect(made.pieces.map(({ works, target }) => [works, target])).toEqual([
      [3, { kind: "new", index: 0 }],
      [9, { kind: "executor", id: "a" }],
    ]);
  });

  test("takes free slots from ordinary executors for long works that have waited longer", () => {
    const open = executor("a", { inFlight: 4 });
    const long = { ...entry("l", 2, 1), kind: "long" as const };
    const made = plan(10, CAPS, [open], [long, entry("w", 9, 2)], []);
    expect(made.leases).toEqual([{ id: "a", width: 8 }]);
    expect(made.pieces.map(({ entryId, works }) => [entryId, works])).toEqual([
      ["l", 2],
      ["w", 4],
    ]);
  });

  test("hands nothing ahead while isolated works wait for a slot", () => {
    const busy = executor("a", { inFlight: 10, worksPerSlot: 8 });
    const alone = { ...entry("i"), kind: "isolated" as const };
    const made = plan(10, CAPS, [busy], [entry("w", 32)], [alone]);
    expect(made.pieces).toEqual([]);
    expect(made.apartWaits).toBe(true);
  });

  test("goes on with ordinary works where long ones find no place", () => {
    const long = { ...entry("l"), kind: "long" as const };
    const open = [executor("a"), executor("b", { width: 0 })];
    const made = plan(10, caps(3), open, [long, entry("w", 4)], []);
    expect(made).toMatchObject({ apartWaits: true, leftOver: false });
    expect(totalOf(made)).toBe(4);
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CAPS, executor as executorNamed } from "../../testing/plans.js";
import {
  capsOf,
  type ExecutorView,
  freeSlots,
  leaseOf,
  relieve,
  roomAhead,
  unleased,
  widthOfNew,
} from "./lease.js";

const executor = (changes: Partial<ExecutorView> = {}): ExecutorView =>
  executorNamed("a", changes);

const anExecutor = fc.record({
  width: fc.nat(40),
  inFlight: fc.nat(40),
  closing: fc.boolean(),
});
const executorsOf = (
  parts: Pick<ExecutorView, "width" | "inFlight" | "closing">[],
) => parts.map((part, index) => executor({ ...part, id: `e${index}` }));

describe("a lease", () => {
  test("is the whole width of an open executor, used or not", () => {
    expect(leaseOf(executor({ inFlight: 3 }))).toBe(10);
    expect(freeSlots(executor({ inFlight: 3 }))).toBe(7);
  });

  test("is what may still be running where that is more than the width", () => {
    const narrowed = executor({ width: 2, peak: 10, inFlight: 9 });
    expect(leaseOf(narrowed)).toBe(9);
    expect(freeSlots(narrowed)).toBe(0);
  });

  test("counts what waits in a buffer for nothing: it takes no slot of its own", () => {
    expect(leaseOf(executor({ inFlight: 500 }))).toBe(10);
    const narrowed = executor({ width: 2, peak: 10, inFlight: 500 });
    expect(leaseOf(narrowed)).toBe(10);
    const leaving = executor({ closing: true, inFlight: 500 });
    expect(leaseOf(leaving)).toBe(10);
  });

  test("has no free slot while its executor sleeps: it would not come for a work", () => {
    const asleep = { asleep: true, inFlight: 3, worksPerSlot: 4 };
    expect(freeSlots(executor(asleep))).toBe(0);
    expect(roomAhead(executor(asleep))).toBe(0);
  });

  test("shrinks with what is in flight once the executor is closing", () => {
    const leaving = executor({ closing: true, inFlight: 3 });
    expect(leaseOf(leaving)).toBe(3);
    expect(freeSlots(leaving)).toBe(0);
  });

  test("leaves to others what is left of the limit", () => {
    const both = [
      executor(),
      executor({ id: "b", closing: true, inFlight: 4 }),
    ];
    expect(unleased(20, both)).toBe(6);
    expect(unleased(8, both)).toBe(-6);
  });
});

describe("room ahead", () => {
  const short = { worksPerSlot: 4 };

  test("is for short works, beyond the slots", () => {
    expect(roomAhead(executor({ inFlight: 10 }))).toBe(0);
    expect(roomAhead(executor({ inFlight: 10, ...short }))).toBe(30);
    expect(roomAhead(executor({ inFlight: 35, ...short }))).toBe(5);
    expect(roomAhead(executor({ inFlight: 90, ...short }))).toBe(0);
  });

  test("does not count slots that are free: those come first", () => {
    expect(roomAhead(executor({ inFlight: 3, ...short }))).toBe(30);
  });

  test("is none where nothing may start any more", () => {
    expect(roomAhead(executor({ closing: true, ...short }))).toBe(0);
    expect(roomAhead(executor({ width: 0, ...short }))).toBe(0);
  });

  test("is none while handlers of an older, wider lease may run", () => {
    const narrowed = { width: 5, peak: 20, inFlight: 10, ...short };
    expect(roomAhead(executor(narrowed))).toBe(0);
    expect(roomAhead(executor({ ...narrowed, peak: 5 }))).toBe(10);
  });
});

describe("under a changed limit", () => {
  test("executors keep their widths as long as they fit", () => {
    const widths = relieve(20, [executor(), executor({ id: "b" })]);
    expect([...widths.values()]).toEqual([10, 10]);
  });

  test("what is too much is cut, closing executors counted with what they still run", () => {
    const widths = relieve(12, [
      executor(),
      executor({ id: "b" }),
      executor({ id: "c", closing: true, inFlight: 5 }),
    ]);
    expect(widths.get("a")! + widths.get("b")!).toBe(7);
    expect(widths.get("c")).toBe(10);
  });

  test("closing executors are cut last, for what would begin from their buffers", () => {
    const widths = relieve(3, [
      executor({ closing: true, inFlight: 50 }),
      executor({ id: "b" }),
    ]);
    expect(widths.get("b")).toBe(0);
    expect(widths.get("a")).toBe(3);
  });

  test("no lease is widened, and together they fit the limit", () => {
    fc.assert(
      fc.property(
        fc.array(anExecutor, { maxLength: 6 }),
        fc.nat(100),
        (parts, limit) => {
          const executors = executorsOf(parts);
          const widths = relieve(limit, executors);
          let sum = 0;
          for (const { id, width, closing } of executors) {
            expect(widths.get(id)).toBeLessThanOrEqual(width);
            expect(widths.get(id)).toBeGreaterThanOrEqual(0);
            if (closing) continue;
            sum += widths.get(id)!;
          }
          const leaving = executors
            .filter(({ closing }) => closing)
            .reduce((total, each) => total + leaseOf(each), 0);
          expect(sum).toBeLessThanOrEqual(Math.max(0, limit - leaving));
          const before = executors.reduce(
            (total, { width, closing }) => total + (closing ? 0 : width),
            0,
          );
          // No more is cut than must be.
          expect(sum).toBe(Math.min(before, Math.max(0, limit - leaving)));
        },
      ),
    );
  });
});

describe("a new executor", () => {
  test("gets its share of the limit, but not so little that starting it does not pay", () => {
    expect(widthOfNew(100, 100, 4, CAPS)).toBe(25);
    expect(widthOfNew(10, 10, 4, CAPS)).toBe(8);
  });

  test("gets no more than is left", () => {
    expect(widthOfNew(100, 3, 4, CAPS)).toBe(3);
  });

  test("gets all that is left when it is the last that may be started", () => {
    expect(widthOfNew(100, 60, 1, CAPS)).toBe(60);
  });

  test("is one of few on the smallest class, where scheduler slots are scarce", () => {
    expect(capsOf("s16")).toMatchObject({
      accepting: 3,
      inAll: 5,
      driving: 16,
    });
    expect(capsOf("S16")).toMatchObject({
      accepting: 3,
      inAll: 5,
      driving: 16,
    });
    expect(capsOf("s256")).toMatchObject({
      accepting: 4,
      inAll: 20,
      driving: 64,
    });
    expect(capsOf("D1024")).toMatchObject({
      accepting: 4,
      inAll: 20,
      driving: 64,
    });
  });
});

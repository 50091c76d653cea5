import { beforeEach, describe, expect, test } from "vitest";
import { Meter } from "../meter.js";

let now = 0;
let meter: Meter;
const app = (name: string) => ({ component: "", name });
const begin = (id: number) => meter.onRun(app("jobs:action"), { id })!;

beforeEach(() => {
  now = 1000;
  meter = new Meter(() => now);
});

describe("the meter", () => {
  test("knows how many handlers were in flight at most", () => {
    const first = begin(1);
    const second = begin(2);
    first();
    begin(3);
    expect(meter.maxInFlight).toBe(2);
    second();
    expect(meter.inFlight).toBe(1);
    expect([meter.started, meter.ended]).toEqual([3, 2]);
  });

  test("counts slots in use from the first call to the last", () => {
    const call = () => meter.onCall(app("jobs:action"))!;
    const first = call();
    now = 1040;
    const run = begin(1);
    now = 1100;
    run();
    first();
    now = 1200;
    call();
    expect(meter.utilization(1)).toBe(0.5);
    expect(meter.utilization(2)).toBe(0.25);
    now = 9000;
    expect(meter.utilization(1)).toBe(0.5);
  });

  test("counts the slot of a mutation while it runs", () => {
    const mutation = (id: number) => meter.onRun(app("jobs:mutation"), { id })!;
    const first = mutation(1);
    now = 1100;
    first();
    now = 1200;
    mutation(2);
    expect(meter.utilization(1)).toBe(0.5);
  });

  test("knows the slots in use and how long they were", () => {
    const call = () => meter.onCall(app("jobs:action"))!;
    const first = call();
    call();
    now = 1100;
    first();
    now = 1200;
    expect(meter.slots).toBe(1);
    expect(meter.busy()).toBe(300);
  });

  test("does not take a death for an end", () => {
    begin(1)(true);
    expect([meter.inFlight, meter.ended]).toEqual([0, 0]);
    expect(meter.job(1)).toMatchObject({ starts: [1000], ends: [] });
  });

  test("tells who waits for a slot to be taken", async () => {
    const waiting = meter.until(() => meter.slots === 1);
    meter.onCall(app("jobs:action"));
    await waiting;
  });

  test("knows no share of slots for jobs that all start at once", () => {
    meter.onCall(app("jobs:action"));
    meter.onCall(app("jobs:action"));
    expect(meter.utilization(2)).toBeNull();
  });

  test("measures a job's wait until it first started", () => {
    meter.job(1).ready = 990;
    meter.job(2).ready = 900;
    begin(1)();
    begin(2)();
    now = 2000;
    begin(2)();
    expect(meter.startLatencies()).toEqual([10, 100]);
  });

  test("takes a handler that enqueues others for a job", () => {
    meter.onCall(app("fan:handler"));
    meter.onRun(app("fan:handler"), { id: 7 })!();
    expect([meter.slots, meter.job(7).ends]).toEqual([1, [1000]]);
  });

  test("looks at jobs alone, not at other functions or components", () => {
    expect(meter.onRun(app("pools:enqueue"), { id: 1 })).toBeNull();
    expect(
      meter.onRun({ component: "workpool", name: "jobs:action" }, { id: 1 }),
    ).toBeNull();
    expect(meter.started).toBe(0);
  });

  test("tells who waits as soon as it holds", async () => {
    const end = begin(1);
    let told = false;
    const waiting = meter
      .until(() => meter.ended === 1)
      .then(() => (told = true));
    await Promise.resolve();
    expect(told).toBe(false);
    end();
    await waiting;
    expect(told).toBe(true);
  });
});

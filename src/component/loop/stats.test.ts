import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { job, ProtocolTest } from "../../testing/protocol.js";
import { api } from "../_generated/api.js";
import { MINUTE, SECOND } from "../shared.js";

let pool: ProtocolTest;
let events: { event: string; [field: string]: any }[];
beforeEach(() => {
  vi.useFakeTimers();
  events = [];
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(console, "warn").mockImplementation(() => {});
  vi.spyOn(console, "info").mockImplementation((line) => {
    events.push(JSON.parse(line));
  });
  pool = new ProtocolTest();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const reports = () => events.filter(({ event }) => event === "report");
const total = (field: string) =>
  reports().reduce((sum, report) => sum + report[field], 0);
const enqueue = (
  items: Parameters<typeof pool.enqueue>[0],
  logLevel: "REPORT" | "WARN" = "REPORT",
) =>
  pool.t.mutation(api.lib.enqueueBatch, {
    items,
    config: { maxParallelism: 2, logLevel },
  });
const works = (count: number, ms: number, args = {}, changes = {}) =>
  Array.from({ length: count }, (_, index) =>
    job("action", "act", { key: `k${index}`, ms, ...args }, changes),
  );

describe("a pool that is busy", () => {
  test("reports every minute or so what ended, what runs and what waits", async () => {
    await enqueue(works(40, 10 * SECOND));
    await pool.pass(2 * MINUTE + 30 * SECOND);
    expect(reports()).toHaveLength(2);
    expect(reports()[0]).toMatchObject({
      component: "workpool",
      running: 2,
      failed: 0,
      failureRate: 0,
    });
    const [first, second] = reports();
    expect(first!.completed).toBeGreaterThan(0);
    const ended = first!.completed + second!.completed;
    // What the turn that reports hands over itself still counts as waiting.
    const waits = 40 - ended - 2;
    expect([waits, waits + 1, waits + 2]).toContain(second!.backlog);
    await pool.drain();
  });

  test("counts every attempt in one report, also across executors that left", async () => {
    const retryBehavior = { maxAttempts: 2, initialBackoffMs: 10, base: 1 };
    await enqueue([
      ...works(30, 9 * SECOND),
      ...works(3, SECOND, { key: "f", failures: 99 }, { retryBehavior }),
    ]);
    await pool.drain();
    // Turns of the loop report, and these are the next: what came last is told, too.
    for (let n = 0; n < 2; n++) {
      await pool.pass(MINUTE);
      await enqueue(works(1, 0));
      await pool.drain();
    }
    expect(total("succeeded")).toBeGreaterThanOrEqual(30);
    expect(total("succeeded")).toBeLessThanOrEqual(32);
    expect(total("failed")).toBe(3);
    expect(total("retries")).toBe(3);
    expect(total("completed")).toBe(total("succeeded") + 6);
  });

  test("counts no more of a deep queue than it has done works, and says so", async () => {
    await enqueue(works(2, 10 * SECOND));
    for (let n = 0; n < 4; n++) await enqueue(works(200, 10 * SECOND));
    await pool.pass(MINUTE + 30 * SECOND);
    // Entries of 32 works, ten of them.
    const [report] = reports();
    expect(report).toMatchObject({ backlogIsAtLeast: true });
    expect(report!.completed).toBeLessThan(20);
    expect(report!.backlog).toBeLessThanOrEqual(20 * 32);
  });

  test("reports nothing below its log level", async () => {
    await enqueue(works(20, 10 * SECOND), "WARN");
    await pool.drain();
    expect(reports()).toEqual([]);
  });
});

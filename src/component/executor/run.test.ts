/** An executor against a context that the test plays: when its handlers begin, what it reports, when it leaves. */
import { getFunctionName } from "convex/server";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Id } from "../_generated/dataModel.js";
import { MINUTE, SECOND } from "../shared.js";
import type { Attempt } from "../loop/attempt.js";
import type { ReportArgs, ReportReply } from "./protocol.js";
import { run } from "./run.js";

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const attempt = (position: number): Attempt => ({
  position,
  workId: `w${position}` as Id<"work">,
  fence: 0,
  fnType: "action",
  fnHandle: `w${position}`,
  fnName: "jobs:act",
  fnArgs: {},
  size: 10,
});
const attempts = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => attempt(from + index));

const OPEN: ReportReply = {
  next: [],
  width: 2,
  listen: true,
  listener: false,
  closed: false,
  done: false,
  pollMs: null,
};
const CLOSED = { ...OPEN, listen: false, closed: true };
const DONE = { ...CLOSED, width: 0, done: true };

type Start = {
  attempts: Attempt[];
  width?: number;
  transactions?: number;
  closed?: boolean;
};

/** A running executor whose handlers end when the test says, and whose reports it answers. */
class Play {
  readonly begun: string[] = [];
  readonly reports: ReportArgs[] = [];
  left = false;
  inFlight = 0;
  most = 0;
  /** What the handlers return. */
  returns = "done";
  private readonly ends = new Map<string, (refused: boolean) => void>();

  constructor(
    { attempts, width = 2, transactions, closed = false }: Start,
    /** The answer to the n-th report, counted from 0. */
    private readonly answer: (args: ReportArgs, n: number) => ReportReply,
  ) {
    const ctx = {
      runAction: (handle: string) => this.begin(handle),
      runMutation: async (reference: any, args: any) => {
        if (getFunctionName(reference) === "executor/transaction:run") {
          await this.begin(args.workId);
          return "success";
        }
        expect(getFunctionName(reference)).toBe("executor/report:report");
        this.reports.push(args);
        return this.answer(args, this.reports.length - 1);
      },
    };
    const start = {
      executorId: "e",
      incarnation: 3,
      attempts,
      width,
      transactions,
      listener: false,
      pollMs: null,
      closed,
    };
    const leave = () => (this.left = true);
    void (run as any)._handler(ctx, start).then(leave, leave);
  }

  private async begin(handle: string): Promise<string> {
    this.begun.push(handle);
    this.inFlight += 1;
    this.most = Math.max(this.most, this.inFlight);
    const refused = await new Promise<boolean>((resolve) =>
      this.ends.set(handle, resolve),
    );
    this.inFlight -= 1;
    if (refused) throw new Error("TooManyConcurrentRequests: …");
    return this.returns;
  }

  /** Lets the handlers of these positions end. */
  async end(...positions: number[]): Promise<void> {
    for (const position of positions) this.ends.get(`w${position}`)!(false);
    await vi.advanceTimersByTimeAsync(0);
  }
  /** Has the platform refuse to begin the handlers of these positions. */
  async refuse(...positions: number[]): Promise<void> {
    for (const position of positions) this.ends.get(`w${position}`)!(true);
    await vi.advanceTimersByTimeAsync(0);
  }
  pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
  /** All results so far, by position. */
  outcomes(): Record<number, string> {
    return Object.fromEntries(
      this.reports.flatMap(({ results }) =>
        results.map(({ position, outcome }) => [position, outcome.kind]),
      ),
    );
  }
}

describe("an executor that takes nothing beyond its start", () => {
  test("makes a single report when what it was given has ended, and leaves", async () => {
    const play = new Play(
      { attempts: attempts(2), closed: true },
      (): ReportReply => DONE,
    );
    expect(play.begun).toEqual(["w0", "w1"]);
    await play.pass(MINUTE);
    expect(play.reports).toEqual([]);
    await play.end(0, 1);
    expect(play.reports).toMatchObject([
      {
        executorId: "e",
        incarnation: 3,
        seq: 0,
        holding: [],
        results: [{ position: 0 }, { position: 1 }],
      },
    ]);
    expect(play.left).toBe(true);
  });

  test("reports what ended while the rest runs, after waiting for company", async () => {
    const play = new Play({ attempts: attempts(2), closed: true }, (_, n) =>
      n === 0 ? CLOSED : DONE,
    );
    await play.end(0);
    expect(play.reports).toEqual([]);
    await play.pass(SECOND);
    expect(play.reports).toMatchObject([
      { holding: [1], results: [{ position: 0 }] },
    ]);
    await play.end(1);
    expect(play.reports).toHaveLength(2);
    expect(play.left).toBe(true);
  });
});

describe("an executor that dies leaves no doubt about what it never began:", () => {
  test("nothing begins at or beyond the position that its last report named", async () => {
    const given = [attempts(4, 2), attempts(40, 6)];
    const play = new Play({ attempts: attempts(2) }, () => ({
      ...OPEN,
      next: given.shift() ?? [],
    }));
    const named: number[] = [];
    for (let position = 0; position < 30; position++) {
      await play.pass(10);
      await play.end(position);
      named.push(play.reports.at(-1)?.beginsBefore ?? Infinity);
      const begun = play.begun.map((name) => Number(name.slice(1)));
      expect(Math.max(...begun)).toBeLessThan(Math.max(...named));
    }
    expect(named.some((bound) => bound < 46)).toBe(true);
  });

  test("of long works, it begins no more than it has slots before it reports", async () => {
    const play = new Play({ attempts: attempts(2) }, (_, n) => ({
      ...OPEN,
      next: n === 0 ? attempts(10, 2) : [],
    }));
    await play.pass(500);
    await play.end(0);
    await play.pass(100);
    const { beginsBefore } = play.reports[0]!;
    expect(beginsBefore).toBe(2 + 2);
    expect(play.begun).toEqual(["w0", "w1", "w2"]);
  });
});

describe("what the class has no room for", () => {
  const mutations = (count: number, from = 0): Attempt[] =>
    attempts(count, from).map((each) => ({ ...each, fnType: "mutation" }));
  /** Named by the last report: what lies before may have begun. */
  const doubted = (play: Play) =>
    play.reports.at(-1)!.beginsBefore! - play.begun.length;

  test("waits for its turn, and so does what lies behind it", async () => {
    const given = [...mutations(4), ...attempts(2, 4)];
    const play = new Play(
      { attempts: given, width: 8, transactions: 2 },
      () => ({ ...OPEN, width: 8, transactions: 2 }),
    );
    expect(play.begun).toEqual(["w0", "w1"]);
    await play.end(0);
    expect(play.begun).toEqual(["w0", "w1", "w2"]);
    await play.end(1);
    expect(play.begun).toEqual(["w0", "w1", "w2", "w3", "w4", "w5"]);
  });

  test("is neither given back, nor asked for again and again, nor counted as begun", async () => {
    const play = new Play(
      { attempts: mutations(8), width: 8, transactions: 2 },
      () => ({ ...OPEN, width: 8, transactions: 2 }),
    );
    await play.pass(5 * SECOND);
    await play.end(0);
    await play.pass(3 * MINUTE);
    expect(play.begun).toEqual(["w0", "w1", "w2"]);
    expect(play.outcomes()).toEqual({ 0: "recorded" });
    expect(play.reports).toHaveLength(1);
    // Two begin at a time, and of works that take long no more than that in advance.
    expect(doubted(play)).toBeLessThanOrEqual(2);
  });

  test("begins with a wider share", async () => {
    const play = new Play(
      { attempts: mutations(4), width: 8, transactions: 1 },
      () => ({ ...OPEN, width: 8, transactions: 3 }),
    );
    expect(play.begun).toEqual(["w0"]);
    await play.end(0);
    await play.pass(100);
    expect(play.begun).toEqual(["w0", "w1", "w2", "w3"]);
  });
});

describe("an executor whose calls the platform refuses", () => {
  test("halves what it has in flight, tells it, and takes one more every few seconds", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const play = new Play({ attempts: attempts(4), width: 4 }, (_, n) => ({
      ...OPEN,
      width: 4,
      next: n === 0 ? attempts(4, 4) : [],
    }));
    await play.pass(10 * SECOND);
    await play.refuse(0, 1);
    expect(play.inFlight).toBe(2);
    await play.pass(SECOND);
    expect(play.reports.at(-1)).toMatchObject({ halved: { action: 2 } });
    expect(play.outcomes()).toMatchObject({ 0: "notStarted", 1: "notStarted" });
    // It has works and slots for them, and lets them wait.
    expect(play.inFlight).toBe(2);
    await play.pass(5 * SECOND);
    expect(play.inFlight).toBe(3);
    await play.pass(5 * SECOND);
    expect(play.inFlight).toBe(4);
    await play.end(2, 3);
    await play.pass(SECOND);
    expect(play.reports.at(-1)!.halved).toBeUndefined();
    const events = warn.mock.calls.map(
      ([line]) => JSON.parse(line as string).event as string,
    );
    expect(events).toEqual(["halved", "halvingOver"]);
  });
});

describe("an executor gives back", () => {
  test("what waits behind long works, and says that it takes nothing ahead", async () => {
    const play = new Play({ attempts: attempts(6) }, () => OPEN);
    await play.pass(900);
    expect(play.outcomes()).toEqual({});
    await play.pass(200);
    expect(play.outcomes()).toEqual({
      2: "returned",
      3: "returned",
      4: "returned",
      5: "returned",
    });
    expect(play.reports.at(-1)).toMatchObject({ want: 0, worksPerSlot: 1 });
    expect(play.begun).toEqual(["w0", "w1"]);
  });

  test("what its remaining life does not cover, and begins what it does", async () => {
    const late = (timeoutMs: number, position: number): Attempt => ({
      ...attempt(position),
      timeoutMs,
    });
    const play = new Play({ attempts: attempts(2) }, (_, n) => ({
      ...OPEN,
      next: n === 0 ? [late(27 * MINUTE, 2), late(20 * MINUTE, 3)] : [],
    }));
    // Before it reports without having anything to tell.
    await play.pass(3 * MINUTE);
    await play.end(0, 1);
    await play.pass(SECOND);
    expect(play.begun).toEqual(["w0", "w1", "w3"]);
    expect(play.outcomes()).toMatchObject({ 2: "returned" });
  });
});

test("an executor begins nothing while large results wait to be reported", async () => {
  const play = new Play({ attempts: attempts(40), width: 20 }, (_, n) => {
    if (n === 0) throw new Error("Too many writes");
    return { ...OPEN, width: 20 };
  });
  play.returns = "x".repeat(900_000);
  await play.end(...Array.from({ length: 20 }, (_, position) => position));
  expect(play.begun.length).toBeLessThan(35);
  const unreported = play.begun.length - play.inFlight;
  expect(unreported).toBe(20);
  await play.pass(500);
  expect(Object.keys(play.outcomes()).length).toBeGreaterThanOrEqual(20);
});

describe("an executor's width", () => {
  test("bounds the handlers in flight, and a freed slot is filled without a report between", async () => {
    const play = new Play(
      { attempts: attempts(5), closed: true },
      (): ReportReply => CLOSED,
    );
    expect(play.begun).toEqual(["w0", "w1"]);
    await play.end(1);
    expect(play.begun).toEqual(["w0", "w1", "w2"]);
    expect(play.reports).toEqual([]);
    await play.end(0, 2);
    await play.end(3, 4);
    expect(play.begun).toHaveLength(5);
    expect(play.most).toBe(2);
  });

  test("may grow with an answer, and what waits begins", async () => {
    const play = new Play({ attempts: attempts(5) }, () => ({
      ...OPEN,
      width: 4,
    }));
    await play.end(0);
    await play.pass(SECOND);
    expect(play.begun).toHaveLength(5);
    expect(play.most).toBe(4);
  });

  test("may shrink with an answer: what has not begun is given back, and what runs may end", async () => {
    const play = new Play({ attempts: attempts(6), width: 3 }, () => ({
      ...OPEN,
      width: 1,
    }));
    await play.pass(SECOND / 2);
    await play.end(0);
    expect(play.begun).toEqual(["w0", "w1", "w2", "w3"]);
    await play.pass(SECOND);
    expect(play.outcomes()).toEqual({
      0: "success",
      4: "returned",
      5: "returned",
    });
    await play.end(1, 2, 3);
    await play.pass(SECOND);
    expect(play.begun).toHaveLength(4);
    expect(play.outcomes()).toMatchObject({ 1: "success", 3: "success" });
  });

  test("of 0 lets nothing begin any more, and all that has not begun is given back", async () => {
    const play = new Play({ attempts: attempts(8), width: 2 }, () => ({
      ...OPEN,
      width: 0,
      listen: false,
    }));
    await play.end(0);
    await play.pass(SECOND);
    expect(play.begun).toHaveLength(3);
    await play.end(1, 2);
    await play.pass(SECOND);
    expect(play.begun).toHaveLength(3);
    expect(Object.values(play.outcomes()).sort()).toEqual([
      ...Array<string>(5).fill("returned"),
      ...Array<string>(3).fill("success"),
    ]);
  });

  test("holds while it is closing, too", async () => {
    const play = new Play({ attempts: attempts(8), closed: true }, () => ({
      ...CLOSED,
      width: 0,
    }));
    await play.end(0);
    await play.pass(SECOND);
    const begun = play.begun.length;
    expect(begun).toBeLessThan(8);
    await play.end(...[1, 2].slice(0, begun - 1));
    await play.pass(SECOND);
    expect(play.begun).toHaveLength(begun);
    expect(Object.keys(play.outcomes())).toHaveLength(8);
  });
});

describe("how much an executor wants", () => {
  test("is what fills its slots, before it knows how long its works take", async () => {
    const play = new Play({ attempts: attempts(1), width: 4 }, () => OPEN);
    await play.pass(SECOND);
    expect(play.reports[0]).toMatchObject({ want: 3, worksPerSlot: 1 });
  });

  test("grows with short works, to a buffer beside them", async () => {
    const play = new Play({ attempts: attempts(8), width: 8 }, () => ({
      ...OPEN,
      width: 8,
    }));
    await play.pass(20);
    await play.end(0, 1, 2, 3, 4, 5, 6, 7);
    const { want, worksPerSlot } = play.reports.at(-1)!;
    expect(want).toBeGreaterThan(2 * 8);
    expect(worksPerSlot).toBeGreaterThan(2);
  });

  test("stays what fills its slots with long works", async () => {
    const play = new Play({ attempts: attempts(4), width: 4 }, () => ({
      ...OPEN,
      width: 4,
    }));
    await play.pass(2 * SECOND);
    await play.end(0, 1, 2, 3);
    expect(play.reports.at(-1)).toMatchObject({ want: 4, worksPerSlot: 1 });
  });
});

test("what an answer brings begins, and is held in every report until it has ended", async () => {
  const play = new Play({ attempts: attempts(1) }, (_, n) =>
    n === 0 ? { ...OPEN, next: attempts(2, 1) } : OPEN,
  );
  await play.end(0);
  expect(play.begun).toEqual(["w0", "w1", "w2"]);
  await play.end(1);
  await play.pass(SECOND);
  for (const { holding, results } of play.reports.slice(1)) {
    const known = [...holding, ...results.map(({ position }) => position)];
    expect(known).toContain(2);
  }
  expect(play.outcomes()).toEqual({ 0: "success", 1: "success" });
});

test("an executor with nothing to do and nothing to expect asks to close, and leaves", async () => {
  const play = new Play({ attempts: attempts(1) }, ({ closing }) =>
    closing ? DONE : { ...OPEN, listen: false },
  );
  await play.end(0);
  await play.pass(SECOND);
  expect(play.reports.map(({ closing }) => closing)).toEqual([false, true]);
  expect(play.left).toBe(true);
});

test("an executor that was given up leaves at once, and begins nothing more", async () => {
  const play = new Play({ attempts: attempts(5) }, () => DONE);
  await play.end(0);
  await play.pass(SECOND);
  expect(play.left).toBe(true);
  expect(play.reports).toHaveLength(1);
  const begun = [...play.begun];
  await play.end(1);
  expect(play.begun).toEqual(begun);
});

test("an executor whose reports do not get through gives up, and begins nothing more", async () => {
  const play = new Play({ attempts: attempts(5) }, () => {
    throw new Error("no such function");
  });
  await play.end(0);
  await play.pass(5 * MINUTE);
  expect(play.left).toBe(true);
  const begun = [...play.begun];
  await play.end(1);
  expect(play.begun).toEqual(begun);
});

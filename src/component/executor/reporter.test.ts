import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ActionCtx } from "../_generated/server.js";
import type { Id } from "../_generated/dataModel.js";
import { ExecutorLog } from "./log.js";
import type { AttemptResult, ReportArgs, ReportReply } from "./protocol.js";
import { Reporter } from "./reporter.js";
import { MAX_RESULTS } from "./step.js";

const REPLY: ReportReply = {
  next: [],
  width: 4,
  listen: true,
  listener: false,
  closed: false,
  done: false,
  pollMs: null,
};
const CONFLICT = new Error(
  'Documents read from or written to the "work" table changed while this mutation was being run and on every subsequent retry.',
);
const rest = {
  holding: [7],
  want: 5,
  wantBytes: 1000,
  worksPerSlot: 3,
  closing: false,
  mayDrive: false,
};

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(console, "error").mockImplementation(() => {});
  vi.spyOn(console, "warn").mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

function result(position: number): AttemptResult {
  return {
    position,
    workId: `w${position}` as Id<"work">,
    fence: 0,
    startedAt: 0,
    outcome: { kind: "success", returnValue: "fine" },
  };
}

/** When each report was sent that the platform refused. */
let refused: number[] = [];
const onRefused = (beganAt: number) => void refused.push(beganAt);

/** A reporter whose reports go to `answer`, and what was sent, in order. */
function reporterTo(
  answer: (args: ReportArgs, sent: number) => ReportReply | Error,
) {
  const sent: ReportArgs[] = [];
  const ctx = {
    runMutation: async (_: unknown, args: ReportArgs) => {
      sent.push(args);
      const reply = answer(args, sent.length);
      if (reply instanceof Error) throw reply;
      return reply;
    },
  } as unknown as ActionCtx;
  const reporter = new Reporter(
    ctx,
    "e" as Id<"executor">,
    6,
    new ExecutorLog(),
    onRefused,
  );
  const report = async (
    results: AttemptResult[],
    changes: Partial<typeof rest> = {},
  ) => {
    const reply = reporter.report(results, { ...rest, ...changes });
    // A rejection is looked at later, once the waits have passed.
    reply.catch(() => {});
    await vi.runAllTimersAsync();
    return await reply;
  };
  return { report, sent, reporter };
}
const positions = (list: readonly { position: number }[]) =>
  list.map(({ position }) => position);

test("every report has a number of its own, and a repetition the same", async () => {
  const { report, sent } = reporterTo((_, count) =>
    count === 1 ? CONFLICT : REPLY,
  );
  await report([result(0)]);
  await report([]);
  expect(sent.map(({ seq }) => seq)).toEqual([0, 0, 1]);
});

test("every report says whose it is, and how much the executor can make use of", async () => {
  const { report, sent } = reporterTo((args) =>
    args.results.length > 1 ? new Error("too much at once") : REPLY,
  );
  await report([result(0), result(1)]);
  for (const args of sent) {
    expect(args).toMatchObject({
      executorId: "e",
      incarnation: 6,
      worksPerSlot: 3,
    });
  }
});

test("a report that failed is repeated without user code, which may be what failed", async () => {
  const { report, sent } = reporterTo((_, count) =>
    count <= 2 ? CONFLICT : REPLY,
  );
  expect(await report([result(0)])).toEqual(REPLY);
  expect(sent.map(({ inlineCallbacks }) => inlineCallbacks)).toEqual([
    true,
    false,
    false,
  ]);
  expect(sent.every(({ results }) => results.length === 1)).toBe(true);
});

test("a report that found no permit says so, one that met a conflict does not", async () => {
  refused = [];
  const begin = Date.now();
  const { report } = reporterTo(
    (_, count) =>
      [CONFLICT, new Error("TooManyConcurrentRequests: …")][count - 1] ?? REPLY,
  );
  await report([result(0)]);
  expect(refused).toHaveLength(1);
  // Of the second try, which began after a wait.
  expect(refused[0]!).toBeGreaterThan(begin);
});

describe("a result that cannot be recorded", () => {
  const bad = 2;
  const refusing = (args: ReportArgs) =>
    args.results.some(
      ({ position, outcome }) => position === bad && outcome.kind !== "failed",
    )
      ? new Error("Uncaught Error: this value is too nested")
      : REPLY;

  test("does not hold up its neighbours, and becomes a failure that says why", async () => {
    const recorded = new Map<number, string>();
    const { report } = reporterTo((args) => {
      const reply = refusing(args);
      if (!(reply instanceof Error)) {
        for (const { position, outcome } of args.results) {
          recorded.set(
            position,
            outcome.kind === "failed" ? outcome.error : outcome.kind,
          );
        }
      }
      return reply;
    });
    await report([0, 1, 2, 3, 4].map(result));
    expect([...recorded].sort()).toEqual([
      [0, "success"],
      [1, "success"],
      [2, expect.stringMatching(/could not be recorded: .*too nested/)],
      [3, "success"],
      [4, "success"],
    ]);
  });

  test("is held while its neighbours are reported, so that nobody sends it again", async () => {
    const { report, sent } = reporterTo(refusing);
    const all = [0, 1, 2, 3];
    await report(all.map(result));
    const open = new Set(all);
    for (const args of sent) {
      const known = new Set([...args.holding, ...positions(args.results)]);
      for (const position of open) expect(known).toContain(position);
      if (refusing(args) === REPLY) {
        for (const { position } of args.results) open.delete(position);
      }
    }
    expect(open.size).toBe(0);
  });
});

test("what the halves of a report brought comes back together", async () => {
  const attempt = (position: number) =>
    ({ position }) as ReportReply["next"][number];
  const { report, sent } = reporterTo((args) =>
    args.results.length > 1
      ? new Error("too much at once")
      : { ...REPLY, next: [attempt(10 + args.seq)] },
  );
  const { next } = await report([result(0), result(1)]);
  expect(next).toHaveLength(2);
  // The second half holds what the first one brought.
  expect(sent.at(-1)!.holding).toContain(next[0]!.position);
});

test("halves neither close the executor nor ask for more before all is reported", async () => {
  const { report, sent } = reporterTo((args) =>
    args.results.length > 1 ? new Error("too much at once") : REPLY,
  );
  await report([result(0), result(1)], { closing: true });
  const [first, second] = sent.slice(-2);
  expect(first).toMatchObject({ closing: false, want: 0, wantBytes: 0 });
  expect(second).toMatchObject({ closing: true, want: 5, wantBytes: 1000 });
});

test("an executor that was given up leaves without reporting the rest", async () => {
  const { report, sent } = reporterTo((args) =>
    args.results.length > 1
      ? new Error("too much at once")
      : { ...REPLY, done: true },
  );
  expect((await report([result(0), result(1)])).done).toBe(true);
  expect(sent.filter(({ results }) => results.length === 1)).toHaveLength(1);
});

test("a conflict splits nothing: it passes", async () => {
  const { report, sent } = reporterTo((_, count) =>
    count <= 8 ? CONFLICT : REPLY,
  );
  await report([result(0), result(1)]);
  expect(sent.every(({ results }) => results.length === 2)).toBe(true);
});

test("when nothing gets through, it gives up, and recovery takes over", async () => {
  const { report, sent } = reporterTo(() => CONFLICT);
  await expect(report([result(0)])).rejects.toThrow(CONFLICT);
  expect(sent.length).toBeGreaterThan(5);
});

test("a report without results that cannot be sent gives up too", async () => {
  const { report } = reporterTo(() => new Error("no such function"));
  await expect(report([])).rejects.toThrow("no such function");
});

describe("how many results go into one report", () => {
  /** A platform on which `limit` results in one report are as many as it can take. */
  const upTo = (limit: number) =>
    reporterTo((args) =>
      args.results.length > limit
        ? new Error("Function execution timed out (maximum duration: 1s)")
        : REPLY,
    );
  const full = ({ batch }: Reporter) =>
    Array.from({ length: batch.results }, (_, position) => result(position));

  test("is halved by one that is too much, and those that follow get through", async () => {
    const { report, sent, reporter } = upTo(30);
    await report(full(reporter));
    expect(reporter.batch.results).toBeLessThanOrEqual(30);
    expect(reporter.batch.results).toBeGreaterThan(10);
    const before = sent.length;
    await report(full(reporter));
    expect(sent).toHaveLength(before + 1);
  });

  test("grows again while full ones get through, and no further than before", async () => {
    const { report, reporter } = reporterTo((_, count) =>
      count === 1 ? new Error("too much at once") : REPLY,
    );
    const most = reporter.batch.results;
    await report(full(reporter));
    const least = reporter.batch.results;
    expect(least).toBe(most / 2);
    await report([result(0)]);
    expect(reporter.batch.results).toBe(least);
    await report(full(reporter));
    expect(reporter.batch.results).toBeGreaterThan(least);
    expect(reporter.batch.results).toBeLessThan(least + most / 10);
    for (let count = 0; count < most; count++) await report(full(reporter));
    expect(reporter.batch.results).toBe(most);
  });

  test("does not depend on conflicts, which pass, nor on reports without results", async () => {
    const conflicting = reporterTo((_, count) =>
      count <= 5 ? CONFLICT : REPLY,
    );
    const most = conflicting.reporter.batch.results;
    await conflicting.report(full(conflicting.reporter));
    expect(conflicting.reporter.batch.results).toBe(most);

    const failing = reporterTo((_, count) =>
      count === 1 ? new Error("too much at once") : REPLY,
    );
    await failing.report([]);
    expect(failing.reporter.batch.results).toBe(most);
  });

  test("is never less than one", async () => {
    const { report, reporter } = upTo(0);
    for (let count = 0; count < 3; count++) {
      await report([result(0)]).catch(() => {});
    }
    expect(reporter.batch.results).toBe(1);
  });
});

describe("how many callbacks one report runs", () => {
  const batchAfter = async (...reports: { ran: number; eachMs: number }[]) => {
    let ms = 0;
    const { reporter } = reporterTo(() => {
      vi.setSystemTime(Date.now() + ms);
      return REPLY;
    });
    for (const { ran, eachMs } of reports) {
      ms = ran * eachMs;
      const results = Array.from({ length: ran }, (_, n) => result(n));
      await reporter.report(results, { ...rest, beginsBefore: 9 }, ran);
    }
    return reporter.batch;
  };

  test("few at first; while they are quick, soon as many as results", async () => {
    const { awaited: first } = await batchAfter();
    expect(first).toBeLessThan(MAX_RESULTS / 2);
    const quick = (ran: number) => ({ ran, eachMs: 1 });
    expect((await batchAfter(quick(first))).awaited).toBe(2 * first);
    const all = await batchAfter(
      quick(first),
      quick(2 * first),
      quick(4 * first),
    );
    expect(all.awaited).toBe(MAX_RESULTS);
    // One that had fewer says nothing of many.
    expect((await batchAfter(quick(1))).awaited).toBe(first);
  });

  test("where they take long, as many as are done within 400 ms, and at least one", async () => {
    const slow = (ran: number, eachMs: number) => ({ ran, eachMs });
    expect((await batchAfter(slow(20, 50))).awaited).toBe(8);
    expect((await batchAfter(slow(1, 3_000))).awaited).toBe(1);
    // Results without callbacks do not count.
    const { awaited: first } = await batchAfter();
    expect((await batchAfter(slow(0, 0))).awaited).toBe(first);
  });
});

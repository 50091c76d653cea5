/** What the pool sets out to reach, and whether it does, in the same run as everything else. */
import { latencyModel } from "./model.js";
import type { Result } from "./result.js";
import { figure } from "./render.js";

interface Goal {
  what: string;
  scenario: string;
  /** Null: not measured. */
  value(ours: Result, peer: Result | undefined): number | null;
  bound: { most: number } | { least: number };
}

export interface GoalRow {
  what: string;
  scenario: string;
  goal: string;
  ours: number | null;
  peer: number | null;
  met: boolean | null;
}

/**
 * What an idle pool cannot do without: a wake-up is noticed and a tick begins and
 * commits; an executor is noticed and begins; it calls the handler.
 */
function startFloor(): number {
  const model = latencyModel(1);
  const scheduled = model.schedulerPickupMs + model.scheduledStartMs;
  const tick = model.mutationBeforeBeginMs + model.mutationOpenMs;
  return scheduled + tick + scheduled + model.nestedActionMs;
}

const calls = (result: Result) => result.functionCallsPerJob;
const read = (result: Result) => result.documentsReadPerJob;
const written = (result: Result) => result.documentsWrittenPerJob;
const bytes = (result: Result) =>
  result.bytesReadPerJob + result.bytesWrittenPerJob;
const conflicts = (result: Result) => result.conflictsPerJob;
/**
 * Enqueuing one by one costs a call whatever the pool does; the floor of these
 * goals, one call, is the job's own.
 */
const callsOfPool = (result: Result) =>
  result.functionCallsPerJob - result.clientCallsPerJob;

const dollars = (result: Result) => result.dollarsPerMillion;

const cost = (
  what: string,
  scenario: string,
  value: (result: Result) => number | null,
  most: number,
): Goal => ({ what, scenario, value, bound: { most } });

const againstPeer = (
  what: string,
  scenario: string,
  value: (result: Result) => number | null,
  most: number,
): Goal => ({
  what: `${what} ÷ the peer's`,
  scenario,
  value: (ours, peer) => ratio(value(ours), peer ? value(peer) : null),
  bound: { most },
});

function ratio(one: number | null, other: number | null): number | null {
  return one === null || other === null ? null : one / other;
}

/** What only some scenarios measure. */
const extra =
  (name: string) =>
  (result: Result): number | null =>
    result.extra[name] ?? null;

const handlerCalls = extra("callsOfHandlers");

const CHAINS = ["chains-1", "chains-5", "chains-20", "chains-50"];

const GOALS: Goal[] = [
  cost("calls per job", "burst", calls, 1.1),
  cost("calls per job", "throughput", calls, 1.25),
  cost("calls per job", "mutations", calls, 1.25),
  cost("calls per job, the client's left out", "trickle", callsOfPool, 4.3),
  cost("calls per job", "serial", calls, 1.6),
  cost(
    "calls per minute when idle",
    "trickle",
    (result) => result.idleCallsPerMinute,
    0,
  ),
  cost(
    "calls beyond the jobs' own, per job",
    "saturated",
    extra("callsBeyondJobs"),
    1.2,
  ),
  cost(
    "calls beyond the jobs' own, per job",
    "saturated-spread",
    extra("callsBeyondJobs"),
    1.3,
  ),
  cost("documents read per job", "saturated-spread", read, 25),
  ...["arrivals-5", "arrivals-20", "arrivals-50"].map((scenario) =>
    againstPeer(
      "calls per job, the client's left out,",
      scenario,
      callsOfPool,
      0.5,
    ),
  ),
  cost("documents written per job", "burst", written, 2.5),
  cost("documents written per job", "throughput", written, 3),
  cost("documents written per job", "burst-single", written, 4.5),
  cost("documents written per job", "trickle", written, 7.5),
  againstPeer("bytes read and written per job", "burst", bytes, 0.5),
  {
    what: "share of slots in use",
    scenario: "throughput",
    value: (result) => result.slotUtilization,
    bound: { least: 0.95 },
  },
  {
    what: "jobs per second",
    scenario: "serial",
    value: (result) => result.jobsPerSecond,
    bound: { least: 50 },
  },
  ...[
    "storm-idle",
    "storm-busy",
    "arrivals-slow",
    "saturated-spread",
    ...CHAINS,
  ].map((scenario) => cost("conflicts per job", scenario, conflicts, 0.01)),
  cost(
    "enqueue to handler start, p50, in ms",
    "trickle",
    (result) => result.startLatencyMs?.p50 ?? null,
    1.1 * startFloor(),
  ),
  cost(
    "documents and tombstones touched per job, deep ÷ shallow",
    "deep",
    extra("touchedRatio"),
    1.1,
  ),
  cost(
    "death of an executor until its jobs run again, in ms",
    "lost-worker",
    extra("againMaxMs"),
    15_000,
  ),
  ...CHAINS.map((scenario) =>
    againstPeer(
      "from one start of a chain to the next, mean,",
      scenario,
      extra("hopMeanMs"),
      0.7,
    ),
  ),
  cost("conflicts of users' mutations", "fan", extra("userConflicts"), 0),
  ...(
    [
      ["p50", "userP50Ms"],
      ["p95", "userP95Ms"],
      ["longest", "userMaxMs"],
    ] as const
  ).map(([which, name]) =>
    againstPeer(`time of users' mutations, ${which},`, "fan", extra(name), 1),
  ),
  cost("callbacks that ran again", "fan", extra("callbacksRepeated"), 0),
  ...["mutations", "actions"]
    .flatMap((works) =>
      [100, 200, 500].map((limit) => `neighbours-${works}-${limit}`),
    )
    .flatMap((scenario) => [
      cost(
        "time of the user's own functions, mean, ÷ that of an idle pool",
        scenario,
        extra("worstMeanRatio"),
        2,
      ),
      cost(
        "time of the user's own functions, p99, ÷ that of an idle pool",
        scenario,
        extra("worstP99Ratio"),
        4,
      ),
      cost(
        "calls of the user's own functions that were refused",
        scenario,
        extra("refused"),
        0,
      ),
    ]),
  ...["mixed-10min", "mixed-spread", "mixed-5min"].flatMap((scenario) => [
    {
      what: "share of slots in use while more works wait than there are slots",
      scenario,
      value: extra("slotsUsed"),
      bound: { least: 0.99 },
    },
    cost(
      "calls beyond the jobs' own, per job",
      scenario,
      extra("callsBeyondJobs"),
      1.2,
    ),
  ]),
  cost("works that failed with their worker", "aged", extra("failed"), 0),
  ...["restart", "restart-small", "restart-contexts"].flatMap((scenario) => [
    cost(
      "restart until everything has gone on, in ms",
      scenario,
      extra("goesOnMs"),
      60_000,
    ),
    cost("scheduled mutations that failed", scenario, extra("failedTicks"), 0),
  ]),
  ...(
    [
      ["death-system", 90_000],
      ["death-memory", 150_000],
    ] as const
  ).map(([scenario, most]) =>
    cost(
      "death of all executors until all is done, in ms",
      scenario,
      extra("doneAfterMs"),
      most,
    ),
  ),
  ...["timeouts", "timeouts-burst"].flatMap((scenario) => [
    cost("calls per job more than without", scenario, extra("callsMore"), 0),
    cost(
      "documents read per job more than without",
      scenario,
      extra("readMore"),
      0,
    ),
    cost(
      "documents written per job more than without",
      scenario,
      extra("writtenMore"),
      0,
    ),
  ]),
  cost(
    "documents written per job more than without a key",
    "unique",
    extra("writtenMore"),
    // The row of the key, and its deletion; an enqueue that loses a race writes its row again.
    2.02,
  ),
  cost(
    "documents found per enqueue more than without a key",
    "unique",
    extra("readMoreAtEnqueue"),
    1,
  ),
  cost(
    "documents that reports read and write per job more than without a key",
    "unique",
    extra("documentsMoreInReports"),
    0.02,
  ),
  // Of 45 s: one for each ten.
  cost("calls of a handler that is attached", "attached", handlerCalls, 4.5),
  cost(
    "calls of a handler that is attached",
    "attached-short",
    handlerCalls,
    0,
  ),
  // Twenty seconds are begun.
  ...["heartbeats", "heartbeats-often"].map((scenario) =>
    cost("calls of a handler that beats", scenario, handlerCalls, 20),
  ),
  // What it was before histories were kept, to the digit.
  cost(
    "documents written per retry",
    "retries-history",
    extra("writtenPerRetry"),
    1.6624,
  ),
  cost(
    "documents read per retry",
    "retries-history",
    extra("readPerRetry"),
    5.4972,
  ),
  cost("documents read by a page of 50", "list-pages", extra("mostRead"), 120),
  cost(
    "calls beyond the jobs' own, per job",
    "retry-filter",
    extra("callsBeyondJobs"),
    0.1,
  ),
  ...(
    [
      ["throughput", 0.6],
      ["mutations", 0.6],
      ["arrivals-5", 0.62],
      ["trickle", 0.6],
    ] as const
  ).map(([scenario, most]) =>
    againstPeer("dollars per million jobs", scenario, dollars, most),
  ),
];

/** What never came to be is no goal met; what needs a peer that was not asked is no news. */
function givenUp({ problems }: Result): false | null {
  return problems.length > 0 ? false : null;
}

export function goals(results: Result[]): GoalRow[] {
  const of = (scenario: string, pool: string) =>
    results.find((one) => one.scenario === scenario && one.pool === pool);
  return GOALS.flatMap(({ what, scenario, value, bound }) => {
    const ours = of(scenario, "workpool");
    const peer = of(scenario, "@convex-dev/workpool");
    if (ours === undefined) return [];
    const reached = value(ours, peer);
    const most = "most" in bound;
    const limit = most ? bound.most : bound.least;
    return [
      {
        what,
        scenario,
        goal: `${most ? "≤" : "≥"} ${figure(limit)}`,
        ours: reached,
        peer: peer === undefined ? null : value(peer, peer),
        met:
          reached === null
            ? givenUp(ours)
            : most
              ? reached <= limit
              : reached >= limit,
      },
    ];
  });
}

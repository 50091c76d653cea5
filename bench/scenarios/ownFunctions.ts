/** The user's own functions beside a pool that has more to do than the smallest class can: how long do they wait? */
import { CONCURRENCY } from "../../embedded/src/runtime/limits.js";
import { elapsed, mean, percentiles } from "../percentiles.js";
import { LIMITED_POOLS } from "../pools.js";
import type { Run } from "../run.js";
import { without } from "../used.js";
import { jobs } from "../workload.js";
import type { Scenario } from "./scenario.js";

const CLASS = "S16";
const BATCH = 500;
/** Calls of each kind while the pool is at rest, and while it is busy. */
const ALONE = 40;
const BESIDE = 100;
/** Between two calls of a kind on average, and by how much it may be less or more. */
const EVERY_MS = 100;
const JITTER_MS = 50;
/** From the end of the first work on: until then, the pool is still filling its slots. */
const FILLING_MS = 1000;

/** Their costs are not the pool's. */
const OWN_FUNCTIONS = [
  "neighbours:empty",
  "neighbours:schedule",
  "neighbours:scheduled",
  "neighbours:nothing",
  "http:default",
];

const KINDS = ["mutation", "scheduled", "http"] as const;
type Kind = (typeof KINDS)[number];

/** The user's own calls, of all three kinds. */
class OwnCalls {
  /** From the call of a mutation or an HTTP action until it was answered or refused. */
  readonly #waits = { mutation: [] as number[], http: [] as number[] };
  /** When the scheduling of each function was committed, by its id. */
  readonly #scheduledAt = new Map<number, number>();
  readonly #calls: Promise<void>[] = [];
  refused = 0;

  constructor(private readonly run: Run) {}

  /** Makes a call of each kind `count` times, whether or not the last has been answered. */
  async make(count: number, firstId: number): Promise<void> {
    const { world } = this.run;
    for (let id = firstId; id < firstId + count; id++) {
      await this.run.sleep(
        EVERY_MS + JITTER_MS * (2 * world.random.next() - 1),
      );
      this.#calls.push(this.#mutation(), this.#schedule(id), this.#http());
    }
  }

  async answered(): Promise<void> {
    await Promise.all(this.#calls);
  }

  /** In order. To be asked when all have been answered, and everything scheduled has begun. */
  waits(kind: Kind): number[] {
    const { neighbours } = this.run.meter;
    const waits =
      kind === "scheduled"
        ? [...this.#scheduledAt].map(([id, at]) =>
            elapsed(at, neighbours.get(id)!),
          )
        : this.#waits[kind];
    return waits.sort((a, b) => a - b);
  }

  /** How many scheduled functions have not begun. */
  late(): number {
    const { neighbours } = this.run.meter;
    const ids = [...this.#scheduledAt.keys()];
    return ids.filter((id) => !neighbours.has(id)).length;
  }

  async #mutation(): Promise<void> {
    const { world } = this.run;
    const asked = world.now;
    await world.mutation("neighbours:empty", {}).catch(() => this.refused++);
    this.#waits.mutation.push(elapsed(asked, world.now));
  }

  async #schedule(id: number): Promise<void> {
    try {
      const { at } = await this.run.world.mutation("neighbours:schedule", {
        id,
      });
      this.#scheduledAt.set(id, at);
    } catch {
      this.refused++;
    }
  }

  async #http(): Promise<void> {
    const { world } = this.run;
    const asked = world.now;
    const status = await world.request("/neighbour");
    if (status !== 204) this.refused++;
    this.#waits.http.push(elapsed(asked, world.now));
  }
}

function figures(alone: OwnCalls, beside: OwnCalls) {
  const of = (calls: OwnCalls, kind: Kind) => ({
    mean: mean(calls.waits(kind)),
    p99: percentiles(calls.waits(kind))?.p99 ?? null,
  });
  const kinds = KINDS.map((kind) => ({
    kind,
    quiet: of(alone, kind),
    busy: of(beside, kind),
  }));
  /** Of the kind that suffers most; null if there is one of which no call was answered. */
  const worst = (figure: "mean" | "p99") => {
    const ratios = kinds.map(({ quiet, busy }) => {
      const [less, more] = [quiet[figure], busy[figure]];
      return less === null || more === null ? null : more / less;
    });
    return ratios.some((one) => one === null)
      ? null
      : Math.max(...ratios.map((one) => one!));
  };
  return {
    worstMeanRatio: worst("mean"),
    worstP99Ratio: worst("p99"),
    refused: beside.refused,
    ...Object.fromEntries(
      kinds.flatMap(({ kind, quiet, busy }) => [
        [`${kind}AloneMeanMs`, quiet.mean],
        [`${kind}AloneP99Ms`, quiet.p99],
        [`${kind}MeanMs`, busy.mean],
        [`${kind}P99Ms`, busy.p99],
      ]),
    ),
  };
}

interface Works {
  job: "mutation" | "action";
  ms: number;
}

/** How many works this class lets run at once, whatever the pool's limit. */
function room({ job }: Works): number {
  const { mutations, actions } = CONCURRENCY[CLASS];
  return job === "mutation" ? mutations : actions;
}

/** Enough that as many as the limit allows can be in flight until the last of `calls` is made. */
function enough(works: Works, limit: number, calls: number): number {
  const { ms } = works;
  const busyMs = ms + FILLING_MS + calls * EVERY_MS + JITTER_MS;
  return limit + Math.ceil((busyMs * room(works)) / ms);
}

function ownFunctions(works: Works, limit: number): Scenario {
  const { job, ms } = works;
  return {
    name: `neighbours-${job}s-${limit}`,
    what: `class ${CLASS}: the user's own mutation, scheduled mutation and HTTP action beside a backlog of ${job}s of ${ms} ms at ${limit}`,
    parallelism: limit,
    class: CLASS,
    ...(job === "mutation" ? { transactionMs: ms } : {}),
    // The peer refuses a limit above 200.
    pools: limit > 200 ? ["workpool"] : LIMITED_POOLS,
    async measure(run) {
      const { meter, world } = run;
      await run.warmUp();
      const [alone, beside] = [new OwnCalls(run), new OwnCalls(run)];
      const [quiet, calls] = [run.scaled(ALONE), run.scaled(BESIDE)];
      await alone.make(quiet, 0);
      await alone.answered();
      const all = jobs(
        enough(works, limit, calls),
        job === "action" ? { ms } : {},
      );
      const before = world.totals();
      const began = world.now;
      await run.enqueueAll(all, BATCH, 1, { job });
      await run.ended(1);
      await run.sleep(FILLING_MS);
      await beside.make(calls, quiet);
      if (meter.ended === all.length) {
        run.problems.push("the pool ran dry before the last call was made");
      }
      await beside.answered();
      await run.ended(all.length);
      if (world.now - began < (all.length * ms) / room(works)) {
        run.problems.push("the works took less time than the class allows");
      }
      const measured = await run.settled(all.length, before);
      if (job === "action") run.checkOnce(all);
      else run.check("documents written", world.count("effects"), all.length);
      run.check("scheduled functions that never began", beside.late(), 0);
      return {
        ...measured,
        used: without(measured.used, OWN_FUNCTIONS, KINDS.length * calls),
        extra: figures(alone, beside),
      };
    },
  };
}

const WORKS: Works[] = [
  { job: "mutation", ms: 150 },
  { job: "action", ms: 2000 },
];
const LIMITS = [100, 200, 500];

export const ownFunctionScenarios: Scenario[] = WORKS.flatMap((works) =>
  LIMITS.map((limit) => ownFunctions(works, limit)),
);

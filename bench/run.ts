/** One measurement: a scenario with one pool on a deployment of its own. */
import type { App } from "../embedded/src/runtime/types.js";
import type { JSONObject } from "../embedded/src/storage/types.js";
import { Meter } from "./meter.js";
import type { Setting } from "./model.js";
import { WORK_TABLES, type Pool } from "./pools.js";
import { difference, type Used } from "./used.js";
import type { Job, Workload } from "./workload.js";
import { type Committed, World } from "./world.js";

/** How long a pool may go on working after its last job before it must be idle. */
const TAIL_MS = 60_000;
/**
 * Jobs that do not end for this long will not end: the scenario has failed. No
 * action lives for longer than 30 minutes, and dead ones may be noticed late.
 */
const PATIENCE_MS = 45 * 60_000;

export interface EnqueueOptions {
  job?: "action" | "mutation";
  delays?: number[];
  retry?: boolean;
  callback?: "recorded" | "counted" | "broken";
  cancelable?: boolean;
  slowly?: boolean;
  /** What the works declare, where the pool can be told. */
  declared?: {
    timeoutMs?: number;
    expireAfter?: number;
    statusTtl?: number;
    tags?: string[];
  };
  /** Instead of the job's own, in our pool: it is told which attempt it is. */
  handler?: "attached" | "suspending";
  /** Each job is unique by its own, in our pool. */
  keys?: string[];
  /** Each work has a context of this size, for a callback that is never called. */
  unseenContextBytes?: number;
}

export interface Measured {
  jobs: number;
  used: Used;
  idleCallsPerMinute: number | null;
  /** What only this scenario measures. */
  extra?: Record<string, number | null>;
}

/** What a scenario works with. */
export class Run {
  meter: Meter;
  readonly problems: string[] = [];
  firstEnqueue: number | null = null;

  private constructor(
    readonly world: World,
    readonly pool: Pool,
    readonly parallelism: number,
    readonly setting: Setting,
  ) {
    this.meter = new Meter(() => world.now);
  }

  static async open(
    app: App,
    pool: Pool,
    parallelism: number,
    setting: Setting,
  ): Promise<Run> {
    const observed: { current?: Run } = {};
    const meter = () => observed.current!.meter;
    const world = await World.open(app, setting, {
      onCall: (address) => meter().onCall(address),
      onRun: (address, args) => meter().onRun(address, args),
    });
    const run = new Run(world, pool, parallelism, setting);
    observed.current = run;
    return run;
  }

  /** Forgets the jobs so far, none of which is still running. */
  startOver(): void {
    this.meter = new Meter(() => this.world.now);
    this.firstEnqueue = null;
  }

  /** Has the pool make the rows that it makes only once. */
  async warmUp(): Promise<void> {
    await this.enqueue([{ id: -1, ms: 0 }]);
    await this.drained();
    this.startOver();
  }

  /** A number of jobs, as `--scale` stretches it. */
  readonly scaled = (count: number): number =>
    Math.max(1, Math.round(count * this.setting.scale));

  sleep(ms: number): Promise<void> {
    return this.world.clock.sleep(ms);
  }

  /**
   * One mutation of a client that enqueues all of `jobs`; resolves with the ids
   * of the works. One that fails is no work, and a problem of the pool.
   */
  async enqueue(jobs: Job[], options: EnqueueOptions = {}): Promise<string[]> {
    const { slowly, ...rest } = options;
    const committed = await this.feedBy(
      slowly ? "pools:enqueueSlowly" : "pools:enqueue",
      {
        job: "action",
        jobs: jobs as unknown as JSONObject[],
        ...(rest as JSONObject),
      },
      jobs.length,
    );
    if (committed === null) return [];
    const { value, at } = committed;
    for (const [index, { id }] of jobs.entries()) {
      const delay = options.delays?.[index];
      // A function counts delays from its own clock, which has whole milliseconds.
      this.meter.job(id).ready =
        delay === undefined ? at : Math.floor(at) + delay;
    }
    return value as string[];
  }

  /** A client's mutation that enqueues `count` jobs in this pool. Null, and a problem of the pool: it failed. */
  async feedBy(
    name: string,
    args: JSONObject,
    count: number,
  ): Promise<Committed | null> {
    this.firstEnqueue ??= this.world.now;
    try {
      return await this.world.mutation(name, { ...this.#target, ...args });
    } catch (error) {
      const [what] = (error as Error).message.split("\n");
      this.problems.push(`${count} jobs could not be enqueued: ${what}`);
      return null;
    }
  }

  async cancelAll(): Promise<void> {
    await this.world.mutation("pools:cancelAll", this.#target);
  }

  /** Of `pools:status`. */
  statusArguments(id: string): JSONObject {
    return { ...this.#target, id };
  }

  get #target(): JSONObject {
    return { pool: this.pool, parallelism: this.parallelism };
  }

  /** Enqueues in mutations of `size` jobs each, by `clients` clients that each wait for their answers. */
  async enqueueAll(
    jobs: Job[],
    size: number,
    clients: number,
    options: EnqueueOptions = {},
  ): Promise<string[]> {
    const ids: string[] = [];
    let next = 0;
    const client = async () => {
      while (next < jobs.length) {
        const from = next;
        next += size;
        const batch = jobs.slice(from, next);
        const { delays, keys, ...rest } = options;
        const enqueued = await this.enqueue(batch, {
          ...rest,
          ...(delays === undefined
            ? {}
            : { delays: delays.slice(from, from + size) }),
          ...(keys === undefined
            ? {}
            : { keys: keys.slice(from, from + size) }),
        });
        for (const [index, id] of enqueued.entries()) ids[from + index] = id;
      }
    };
    await Promise.all(Array.from({ length: clients }, client));
    return ids;
  }

  /** Enqueues everything as the workload says. */
  async feed({ jobs, job, feed }: Workload): Promise<void> {
    const options: EnqueueOptions = job === "mutation" ? { job } : {};
    if (feed.kind === "clients") {
      await this.enqueueAll(jobs, feed.size, feed.clients, options);
      return;
    }
    const start = this.world.now;
    const enqueued: Promise<unknown>[] = [];
    for (const [index, one] of jobs.entries()) {
      const wait = start + feed.times[index]! - this.world.now;
      if (wait > 0) await this.sleep(wait);
      enqueued.push(
        this.enqueue([one], feed.slowly ? { slowly: true } : options),
      );
    }
    await Promise.all(enqueued);
  }

  /** Waits for the meter, at most `maxMs`; says whether it came to hold. */
  async within(maxMs: number, holds: () => boolean): Promise<boolean> {
    await Promise.race([this.meter.until(holds), this.sleep(maxMs)]);
    return holds();
  }

  /** Waits until `count` handlers have ended; gives up when none does for a long time. */
  async ended(count: number): Promise<boolean> {
    const { meter } = this;
    let seen = -1;
    for (;;) {
      let waited = false;
      const patience = this.sleep(PATIENCE_MS).then(() => (waited = true));
      await Promise.race([meter.until(() => meter.ended >= count), patience]);
      if (meter.ended >= count) return true;
      if (waited && meter.ended === seen) {
        this.problems.push(`only ${meter.ended} of ${count} jobs ended`);
        return false;
      }
      seen = meter.ended;
    }
  }

  /** Jobs that have not ended. */
  left(): number {
    const { namespace, table } = WORK_TABLES[this.pool];
    if (this.pool === "scheduler") {
      return this.world
        .documents(table)
        .filter(({ state }) => state === "pending").length;
    }
    return this.world.count(table, namespace) - this.kept();
  }

  /** Works that have failed: their rows stay as long as their outcomes, which are few. */
  private kept(): number {
    return this.pool === "workpool"
      ? this.world
          .documents("complete", "workpool")
          .filter(({ result, ttl }) => {
            const { kind } = result as { kind: string };
            return kind === "failed" && (ttl as number) > 0;
          }).length
      : 0;
  }

  /** Waits until at most `most()` jobs are left; gives up when none ends for a long time. */
  async drained(most = () => 0): Promise<boolean> {
    const { world } = this;
    const start = world.now;
    let progress = start;
    let least = Infinity;
    while (world.now - progress < PATIENCE_MS) {
      const left = this.left();
      if (left <= most()) return true;
      if (left < least) {
        least = left;
        progress = world.now;
      }
      // The longer it takes, the less a moment matters.
      const waited = world.now - start;
      await this.sleep(Math.min(10_000, Math.max(100, waited / 20)));
    }
    this.problems.push(`${least} jobs are left`);
    return false;
  }

  /**
   * From `before` until everything has ended and the pool has come to rest:
   * whatever it still does because of these jobs is counted as their cost.
   */
  async settled(
    jobs: number,
    before: Used,
    idleMinutes = 10,
  ): Promise<Measured> {
    await this.sleep(TAIL_MS);
    const used = difference(this.world.totals(), before);
    const calls = this.world.totals().calls;
    await this.sleep(idleMinutes * 60_000);
    return {
      jobs,
      used,
      idleCallsPerMinute: (this.world.totals().calls - calls) / idleMinutes,
    };
  }

  /** Every job ran exactly once. */
  checkOnce(jobs: Job[]): void {
    const wrong = jobs.filter(
      ({ id }) => this.meter.jobs.get(id)?.ends.length !== 1,
    );
    if (wrong.length > 0) {
      this.problems.push(`${wrong.length} of ${jobs.length} did not run once`);
    }
    if (this.meter.started !== jobs.length) {
      this.problems.push(
        `${this.meter.started} handlers were started for ${jobs.length} jobs`,
      );
    }
  }

  check(what: string, actual: number, expected: number): void {
    if (actual !== expected) {
      this.problems.push(`${what}: ${actual}, not ${expected}`);
    }
  }
}

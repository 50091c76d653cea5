/**
 * A deployment of its own for one measurement: empty, in memory, with the app
 * as it was pushed, under a virtual clock and a seed.
 */
import {
  MortalClock,
  SeededRandomness,
  VirtualClock,
} from "../embedded/src/clock.js";
import {
  createModuleLoader,
  createRuntime,
  DEPLOYMENT_TABLES,
  SYSTEM_TABLES,
  type Runtime,
} from "../embedded/src/runtime/index.js";
import type {
  App,
  FunctionAddress,
  CallObserver,
  ObservedRun,
  Stats,
} from "../embedded/src/runtime/types.js";
import { JOBS_TABLE } from "../embedded/src/scheduler/jobs.js";
import { openDatabase, type Database } from "../embedded/src/storage/index.js";
import type { JSONObject, JSONValue } from "../embedded/src/storage/types.js";
import { QueryCache } from "../embedded/src/sync/queryCache.js";
import { LiveActions, memoryMb } from "./actions.js";
import { latencyModel, type Setting } from "./model.js";
import { combined, type Used, zero } from "./used.js";
import { watch, type Watch } from "./watch.js";

/** Compiled once for all measurements of this process. */
const MODULES = createModuleLoader();

export interface Committed {
  value: JSONValue;
  /** Milliseconds since the epoch. */
  at: number;
}

export interface Observer {
  onCall: CallObserver;
  /** What it returns is told of the end, and whether that was a death. */
  onRun(
    address: FunctionAddress,
    args: JSONValue,
  ): ((killed: boolean) => void) | null;
}

export class World {
  readonly clock = new VirtualClock();
  readonly random: SeededRandomness;
  readonly #database: Database;
  readonly #randomness: SeededRandomness;
  #process: { runtime: Runtime; clock: MortalClock };
  readonly #queries: QueryCache;
  readonly #actions = new LiveActions(() => this.now);
  #clientCalls = 0;
  /** Of processes that died. */
  #earlier: Stats[] = [];

  private constructor(
    private readonly app: App,
    private readonly setting: Setting,
    private readonly observer: Observer,
  ) {
    this.#randomness = new SeededRandomness(setting.seed);
    // The workload's own, so that it is the same for every pool.
    this.random = new SeededRandomness(setting.seed + 1);
    this.#database = openDatabase({
      clock: this.clock,
      randomness: this.#randomness,
      systemTables: SYSTEM_TABLES,
      deploymentTables: DEPLOYMENT_TABLES,
    });
    const transaction = this.#database.begin();
    for (const { path, definitionPath } of Object.values(app.components)) {
      const { schema } = app.definitions[definitionPath]!;
      this.#database.applySchema(transaction, path, schema);
    }
    this.#database.commit(transaction);
    this.#process = this.#startProcess();
    this.#queries = new QueryCache(this.#database, (spec, at) =>
      this.#process.runtime.runner.query({
        address: { component: spec.component, name: spec.name },
        args: spec.args,
        caller: { kind: "client" },
        at,
      }),
    );
  }

  static async open(
    app: App,
    setting: Setting,
    observer: Observer,
  ): Promise<World> {
    const world = new World(app, setting, observer);
    await world.#begin();
    return world;
  }

  #startProcess() {
    const clock = new MortalClock(this.clock);
    const runtime = createRuntime({
      database: this.#database,
      clock,
      randomness: this.#randomness,
      getApp: () => this.app,
      deploymentClass: this.setting.class,
      latency: latencyModel(this.setting.latency, this.setting.transactionMs),
      limits: { userTimeMs: null, operationsPerAction: this.setting.ops },
      modules: MODULES,
      reuseModules: this.setting.reuseModules,
      onCall: (...call) =>
        clock.isAlive ? this.observer.onCall(...call) : null,
      onRun: (...run) => (clock.isAlive ? this.#onRun(...run) : null),
    });
    return { runtime, clock };
  }

  #onRun(
    address: FunctionAddress,
    args: JSONValue,
    { scheduledId, kill }: ObservedRun,
  ): (() => void) | null {
    if (kill === null) {
      const over = this.observer.onRun(address, args);
      return over && (() => over(false));
    }
    const megabytes = memoryMb(this.app, address);
    const end = this.#actions.begin(megabytes, { scheduledId, kill });
    if (end === null) return null;
    const over = this.observer.onRun(address, args);
    return () => {
      const { killed } = end();
      over?.(killed);
    };
  }

  async #begin(): Promise<void> {
    await this.#process.runtime.prepare(this.app);
    this.#process.runtime.scheduler.start();
  }

  /** The deployment's process dies and another one takes over: what ran is lost. */
  async restart(): Promise<void> {
    const { runtime, clock } = this.#process;
    this.#earlier.push(runtime.stats());
    clock.die();
    runtime.close();
    this.#actions.died();
    this.#process = this.#startProcess();
    await this.#begin();
  }

  /** The processes of all scheduled actions die, and with them what they called. */
  killScheduledActions(why: string): void {
    this.#actions.killScheduled(why);
  }

  get now(): number {
    return this.clock.now();
  }

  /** A client's mutation. Throws if it fails. */
  async mutation(name: string, args: JSONObject): Promise<Committed> {
    this.#clientCalls++;
    const { outcome, ts } = await this.#process.runtime.runner.mutation({
      address: { component: "", name },
      args,
      caller: { kind: "client" },
    });
    if (!outcome.ok) throw new Error(`${name} failed: ${outcome.message}`);
    return { value: outcome.value, at: Number(ts) / 1e6 };
  }

  /** A client's query. Throws if it fails. */
  async query(name: string, args: JSONObject): Promise<JSONValue> {
    this.#clientCalls++;
    const { outcome } = await this.#process.runtime.runner.query({
      address: { component: "", name },
      args,
      caller: { kind: "client" },
    });
    if (!outcome.ok) throw new Error(`${name} failed: ${outcome.message}`);
    return outcome.value;
  }

  /** A client's request to the app's HTTP actions. Resolves with the status of the answer. */
  async request(path: string): Promise<number> {
    this.#clientCalls++;
    const { status } = await this.#process.runtime.runner.httpAction(
      new Request(`https://bench.test${path}`),
    );
    return status;
  }

  /** Runs `script`, which waits by the clock alone, to its end. */
  async run<T>(script: () => Promise<T>): Promise<T> {
    let outcome: { ok: true; value: T } | { ok: false; error: unknown } | null =
      null;
    script().then(
      (value) => (outcome = { ok: true, value }),
      (error: unknown) => (outcome = { ok: false, error }),
    );
    await this.clock.runUntilIdle({ done: () => outcome !== null });
    const ended = outcome as
      { ok: true; value: T } | { ok: false; error: unknown } | null;
    if (ended === null) throw new Error("Nothing can happen any more");
    if (!ended.ok) throw ended.error;
    return ended.value;
  }

  /** What all functions have done so far. */
  totals(): Used {
    const byFunction: Stats = {};
    let totals = zero();
    for (const stats of [...this.#earlier, this.#process.runtime.stats()]) {
      for (const [name, one] of Object.entries(stats)) {
        totals = combined(totals, one, 1);
        byFunction[name] = combined(byFunction[name] ?? zero(), one, 1);
      }
    }
    return {
      ...totals,
      clientCalls: this.#clientCalls,
      computeMbMs: this.#actions.used(),
      byFunction,
    };
  }

  /** Subscribes to a query of the app as a client would. */
  watch(name: string, args: JSONObject): Watch {
    return watch(this.#database, this.#queries, name, args);
  }

  /** How many documents a table has. */
  count(table: string, component = ""): number {
    return this.#database.begin().count(component, table);
  }

  /** The errors of components' scheduled mutations that failed for good. */
  failedMutations(): string[] {
    return Object.keys(this.app.components)
      .filter((component) => component !== "")
      .flatMap((component) => this.documents(JOBS_TABLE, component))
      .filter((job) => this.#isMutation(job))
      .flatMap(({ state }) => {
        const { kind, error } = state as JSONObject;
        return kind === "failed" ? [String(error)] : [];
      });
  }

  #isMutation(job: JSONObject): boolean {
    const { definitionPath } = this.app.components[job.component as string]!;
    const { functions } = this.app.definitions[definitionPath]!;
    return functions[job.function as string]?.type === "mutation";
  }

  /** All documents of a table. */
  documents(table: string, component = ""): JSONObject[] {
    const scan = this.#database
      .begin({ limits: { documentsRead: Infinity, bytesRead: Infinity } })
      .scan(component, {
        table,
        index: "by_creation_time",
        range: [],
        order: "asc",
      });
    const found: JSONObject[] = [];
    for (let next = scan.next(); next !== null; next = scan.next()) {
      found.push(next.value);
    }
    return found;
  }

  close(): void {
    this.#process.clock.die();
    this.#process.runtime.close();
    this.#queries.close();
    this.#database.close();
  }
}

/**
 * A deployment whose time passes only when it is told to. What happens depends
 * on its seed alone, not on the machine: the store is in memory, the app was
 * pushed before, and clients call it without sockets.
 */
import type { Value } from "convex/values";
import { convexToJson, jsonToConvex } from "convex/values";
import { MortalClock, SeededRandomness } from "../embedded/src/clock.js";
import { DEPLOY_TABLES } from "../embedded/src/deploy/store.js";
import type {
  DeploymentClass,
  Latency,
  RunObserver,
  RuntimeLimits,
  Stats,
} from "../embedded/src/index.js";
import {
  type Ability,
  createModuleLoader,
  createRuntime,
  DEPLOYMENT_TABLES,
  SYSTEM_TABLES,
  type Runtime,
} from "../embedded/src/runtime/index.js";
import type {
  App,
  CallObserver,
  FunctionOutcome,
} from "../embedded/src/runtime/types.js";
import type { JSONObject, Transaction } from "../embedded/src/storage/types.js";
import { RestlessClock } from "./clock.js";
import { PUSHED_AT } from "./push.js";
import {
  type Contest,
  ContestedStore,
  MemoryJournal,
  type StoredJournal,
} from "./store.js";

/** What a hosted deployment of today adds to each operation, roughly. */
const LATENCY = {
  queryMs: 5,
  mutationBeforeBeginMs: 2.5,
  mutationOpenMs: 10,
  mutationAfterCommitMs: 2.5,
  nestedActionMs: 8,
  schedulerPickupMs: 20,
  scheduledStartMs: 8,
} satisfies Omit<Latency, "slowMutationsMs">;

/** What was compiled for one history serves the others. */
const MODULES = createModuleLoader();

/** Compiles the apps that will be deployed: in a history, that must not take time. */
export async function prepare(apps: readonly App[]): Promise<void> {
  for (const { definitions } of apps) {
    for (const definition of Object.values(definitions)) {
      await MODULES.definition(definition);
    }
  }
}

/** Slow ones shall lose races, not their snapshots. */
const LONGEST_TRANSACTION_MS = 20 * 60_000;

/** Far more than any history takes: one that goes on for ever fails with a message instead of a time-out. */
const PATIENCE_MS = 3 * 60 * 60_000;

/** As JSON: what a world has committed, and when it stopped. */
export interface StoredWorld {
  /** What clocks showed. */
  at: number;
  journal: StoredJournal;
}

export interface WorldOptions {
  app: App;
  seed: number;
  /** All latencies are multiplied by this. Default 1. */
  pace?: number;
  /** How late the next timer comes at most, in milliseconds. Default 1. */
  jitterMs?: () => number;
  /** How much longer than others a mutation stays open: asked as it begins. */
  slowMs?: (name: string) => number;
  /** How commits fail beyond what real races do. Default: not at all. */
  contest?: Contest;
  /** What an earlier world left: it goes on from there. */
  stored?: StoredWorld;
  deploymentClass?: DeploymentClass | undefined;
  limits?: Partial<RuntimeLimits> | undefined;
  /** What an older platform cannot do. Default: nothing. */
  lacks?: readonly Ability[] | undefined;
  onRun?: RunObserver;
  onCall?: CallObserver;
  onLog?: (message: string) => void;
}

export interface Row {
  _id: string;
  [field: string]: any;
}

/** The answer of a call that the deployment did not survive. Whether it did anything is unknown. */
export class ConnectionLost extends Error {}

interface Process {
  clock: MortalClock;
  store: ContestedStore;
  runtime: Runtime;
}

export class World {
  readonly clock: RestlessClock;
  private readonly randomness: SeededRandomness;
  private readonly journal: MemoryJournal;
  private app: App;
  private process: Process | null = null;
  private readonly calls = new Set<(lost: ConnectionLost) => void>();
  /** Subscribed to the commits of every process. */
  private readonly watchers: Parameters<ContestedStore["onCommit"]>[0][] = [];

  constructor(private readonly options: WorldOptions) {
    const { stored } = options;
    this.app = options.app;
    this.journal = stored
      ? MemoryJournal.fromJSON(stored.journal)
      : new MemoryJournal();
    this.randomness = new SeededRandomness(options.seed);
    this.clock = new RestlessClock(
      stored?.at ?? PUSHED_AT + 60_000,
      this.randomness,
      options.jitterMs ?? (() => 1),
    );
  }

  async start(): Promise<void> {
    const { options } = this;
    const clock = new MortalClock(this.clock);
    const store = new ContestedStore(
      {
        clock,
        randomness: this.randomness,
        systemTables: SYSTEM_TABLES,
        deploymentTables: [...DEPLOYMENT_TABLES, ...DEPLOY_TABLES],
        retention: { ms: LONGEST_TRANSACTION_MS },
      },
      this.journal,
      options.contest ?? { loses: () => false, losesReply: () => false },
    );
    const latency = Object.entries(LATENCY).map(([name, ms]) => [
      name,
      ms * (options.pace ?? 1),
    ]);
    const runtime = createRuntime({
      database: store,
      clock,
      randomness: this.randomness,
      getApp: () => this.app,
      latency: {
        ...Object.fromEntries(latency),
        slowMutationsMs: new Proxy(
          {},
          { get: (_, name) => options.slowMs?.(String(name)) ?? 0 },
        ),
      },
      // Real time must not decide anything.
      limits: { userTimeMs: null, ...options.limits },
      deploymentClass: options.deploymentClass ?? "S256",
      lacks: options.lacks ?? [],
      modules: MODULES,
      // Neither the component nor the app keeps anything in module variables.
      reuseModules: true,
      onRun: options.onRun ?? (() => null),
      onCall: (...call) =>
        clock.isAlive ? (options.onCall?.(...call) ?? null) : null,
      onLog: (_address, { message }) => options.onLog?.(message),
      onInternalError: (what, error) =>
        options.onLog?.(`${what}: ${String(error)}`),
    });
    this.process = { clock, store, runtime };
    for (const watcher of this.watchers) store.onCommit(watcher);
    await this.deploy(this.app);
    runtime.scheduler.start();
  }

  /** From now on, calls reach this app. */
  async deploy(app: App): Promise<void> {
    const { runtime, store } = this.running;
    await runtime.prepare(app);
    const transaction = store.begin();
    for (const { path, definitionPath } of Object.values(app.components)) {
      const { schema } = app.definitions[definitionPath]!;
      store.applySchema(transaction, path, schema);
    }
    store.commitForSure(transaction);
    this.app = app;
  }

  private get running(): Process {
    if (this.process === null) throw new Error("The deployment was stopped.");
    return this.process;
  }

  stop(): void {
    if (this.process === null) return;
    const { clock, runtime, store } = this.process;
    this.process = null;
    clock.die();
    runtime.close();
    store.close();
    for (const lose of this.calls) {
      lose(new ConnectionLost("The deployment went down during the call."));
    }
    this.calls.clear();
  }

  /**
   * Takes the deployment down in the middle of whatever it does, and starts
   * another one from what was committed. What the old one was doing stops for
   * good: its time has come to an end.
   */
  async crash(): Promise<void> {
    this.stop();
    await this.start();
  }

  /** What clocks show. */
  now(): number {
    return this.clock.now();
  }

  /** What was committed so far. */
  store(): StoredWorld {
    return { at: this.now(), journal: this.journal.toJSON() };
  }

  /** Lets this much time pass. */
  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
  }

  /** Resolves when so much time has passed; somebody else has to let it pass. */
  async later(ms: number): Promise<void> {
    await this.clock.sleep(ms);
  }

  /** Lets time pass until nothing is left to happen, or `enough` says so. */
  async drain(enough: () => boolean = () => false): Promise<void> {
    const deadline = this.clock.elapsed + PATIENCE_MS;
    const isLate = () => this.clock.elapsed > deadline;
    await this.clock.runUntilIdle({ done: () => enough() || isLate() });
    if (isLate()) {
      throw new Error("There is still something going on after three hours.");
    }
  }

  /** Lets time pass until `condition` holds, at most `maxMs`; says how long it took, or null. */
  async until(condition: () => boolean, maxMs: number): Promise<number | null> {
    const start = this.clock.elapsed;
    const passed = () => this.clock.elapsed - start;
    const stop = this.running.store.onCommit(() => {
      met ||= condition();
    });
    let met = condition();
    await this.clock.runUntilIdle({ done: () => met || passed() > maxMs });
    stop();
    return met ? passed() : null;
  }

  /** Lets time pass until `promise` is settled. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const mark = () => void (settled = true);
    promise.then(mark, mark);
    await this.clock.runUntilIdle({ done: () => settled });
    if (!settled) throw new Error("Nothing is left that could end the call.");
    return await promise;
  }

  /** Begins a client's call; time has to pass for it to end. The promises of several are several clients. */
  async begin(
    type: "query" | "mutation" | "action",
    name: string,
    args: Record<string, unknown>,
  ): Promise<any> {
    const { runner } = this.running.runtime;
    const request = {
      address: { component: "", name },
      args: convexToJson(args as Value) as JSONObject,
      caller: { kind: "client" } as const,
    };
    let lose!: (lost: ConnectionLost) => void;
    const lost = new Promise<never>((_, reject) => (lose = reject));
    this.calls.add(lose);
    try {
      const answer =
        type === "action"
          ? runner.action(request)
          : runner[type](request).then(({ outcome }) => outcome);
      return valueOf(await Promise.race([answer, lost]));
    } finally {
      this.calls.delete(lose);
    }
  }

  /** Does something to the store that no function did, as an operator or the platform may. */
  intervene<T>(run: (transaction: Transaction) => T): T {
    const { store } = this.running;
    const transaction = store.begin();
    const value = run(transaction);
    store.commitForSure(transaction);
    return value;
  }

  /** Told of every commit, of this process and of those after it. */
  onCommit(watcher: Parameters<ContestedStore["onCommit"]>[0]): void {
    this.watchers.push(watcher);
    this.process?.store.onCommit(watcher);
  }

  stats(): Stats {
    return this.running.runtime.stats();
  }

  resetStats(): void {
    this.running.runtime.resetStats();
  }

  /** The rows of a table: as they are now, without time passing. */
  rows(table: string, component = ""): Row[] {
    const everything = { bytesRead: Infinity, documentsRead: Infinity };
    const looking = this.running.store.begin({ limits: everything });
    const scan = looking.scan(component, {
      table,
      index: "by_creation_time",
      range: [],
      order: "asc",
    });
    const rows: Row[] = [];
    for (let row = scan.next(); row !== null; row = scan.next()) {
      rows.push(jsonToConvex(row.value) as unknown as Row);
    }
    return rows;
  }
}

function valueOf(outcome: FunctionOutcome): unknown {
  if (!outcome.ok) throw new Error(outcome.message);
  return jsonToConvex(outcome.value);
}

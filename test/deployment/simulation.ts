/**
 * A deployment with the app of these tests, whose time passes only when a test
 * says so. What happens depends on the seed alone, not on the machine.
 */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Value } from "convex/values";
import { convexToJson, jsonToConvex } from "convex/values";
import { inject, onTestFinished } from "vitest";
import { SeededRandomness } from "../../embedded/src/clock.js";
import {
  startDeployment,
  type Deployment,
  type DeploymentOptions,
  type Latency,
} from "../../embedded/src/index.js";
import { createModuleLoader } from "../../embedded/src/runtime/index.js";
import type { FunctionOutcome } from "../../embedded/src/runtime/types.js";
import type { JSONObject } from "../../embedded/src/storage/types.js";
import type { Work } from "./app/convex/works.js";
import { Handlers } from "./handlers.js";
import { PUSHED_AT } from "./push.js";
import { RestlessClock } from "./restless-clock.js";

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

/** What was compiled for one test serves the others. */
const MODULES = createModuleLoader();

/** Far more than any history here takes: one that goes on for ever fails with a message instead of a time-out. */
const PATIENCE_MS = 3 * 60 * 60_000;

export interface SimulationOptions {
  seed?: number;
  /** All latencies are multiplied by this. Default 1. */
  pace?: number;
  /** How late timers come at most, in milliseconds. Default 1. */
  jitterMs?: number;
  /** Mutations that stay open longer than others, by name. */
  slowMutationsMs?: Record<string, number>;
  deploymentClass?: DeploymentOptions["deploymentClass"];
  limits?: DeploymentOptions["limits"];
}

export interface Row {
  _id: string;
  [field: string]: any;
}

export class Simulation {
  readonly handlers = new Handlers(() => this.now());
  /** What functions and the deployment logged. */
  readonly log: string[] = [];
  private readonly randomness: SeededRandomness;
  private clock: RestlessClock;
  private running: Deployment | null = null;

  private constructor(
    private readonly dataDir: string,
    private readonly options: SimulationOptions,
  ) {
    this.randomness = new SeededRandomness(options.seed ?? 1);
    this.clock = this.clockFrom(PUSHED_AT + 60_000);
  }

  /** Ends with the test that started it, if not before. */
  static async start(options: SimulationOptions = {}): Promise<Simulation> {
    const dataDir = await mkdtemp(path.join(tmpdir(), "workpool-test-"));
    onTestFinished(() => rm(dataDir, { recursive: true }));
    await cp(inject("pushedApp"), dataDir, { recursive: true });
    const simulation = new Simulation(dataDir, options);
    await simulation.startDeployment();
    onTestFinished(() => simulation.stop());
    return simulation;
  }

  get deployment(): Deployment {
    if (this.running === null) throw new Error("The deployment was stopped.");
    return this.running;
  }

  async stop(): Promise<void> {
    await this.running?.close();
    this.running = null;
  }

  /**
   * Takes the deployment down in the middle of whatever it does, and starts
   * another one from what was committed. What the old one was doing stops for
   * good: its time has come to an end.
   */
  async crash(): Promise<void> {
    await this.stop();
    this.clock = this.clockFrom(this.now());
    this.handlers.inFlight = 0;
    await this.startDeployment();
  }

  private clockFrom(startMs: number): RestlessClock {
    return new RestlessClock(
      startMs,
      this.randomness,
      this.options.jitterMs ?? 1,
    );
  }

  private async startDeployment(): Promise<void> {
    const { pace = 1, deploymentClass, limits } = this.options;
    const latency = Object.entries(LATENCY).map(([name, ms]) => [
      name,
      ms * pace,
    ]);
    this.running = await startDeployment({
      dataDir: this.dataDir,
      clock: this.clock,
      randomness: this.randomness,
      latency: {
        ...Object.fromEntries(latency),
        slowMutationsMs: this.options.slowMutationsMs ?? {},
      },
      // Real time must not decide anything.
      limits: { userTimeMs: null, ...limits },
      ...(deploymentClass === undefined ? {} : { deploymentClass }),
      modules: MODULES,
      // Neither the component nor the app keeps anything in module variables.
      reuseModules: true,
      onRun: this.handlers.observer,
      onLog: (line) => void this.log.push(line),
    });
  }

  now(): number {
    return this.clock.now();
  }

  /** Lets this much time pass. */
  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
  }

  /** Resolves when so much time has passed; somebody else has to let it pass. */
  async later(ms: number): Promise<void> {
    await this.clock.sleep(ms);
  }

  /** Lets time pass until nothing is left to happen. */
  async drain(): Promise<void> {
    const deadline = this.now() + PATIENCE_MS;
    await this.clock.runUntilIdle({ done: () => this.now() > deadline });
    if (this.now() > deadline) {
      throw new Error("There is still something going on after three hours.");
    }
  }

  /** Lets time pass until `condition` holds, at most `maxMs`; says how long it took, or null. */
  async until(condition: () => boolean, maxMs: number): Promise<number | null> {
    const start = this.now();
    const stop = this.deployment.database.onCommit(() => {
      met ||= condition();
    });
    let met = condition();
    await this.clock.runUntilIdle({
      done: () => met || this.now() - start > maxMs,
    });
    stop();
    return met ? this.now() - start : null;
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

  /** Begins a call; time has to pass for it to end. The promises of several are several clients. */
  async begin(
    type: "query" | "mutation" | "action",
    name: string,
    args: Record<string, unknown>,
  ): Promise<any> {
    const request = {
      address: { component: "", name: `requests:${name}` },
      args: convexToJson(args as Value) as JSONObject,
      caller: { kind: "client" } as const,
    };
    const { runner } = this.deployment;
    if (type === "action") return valueOf(await runner.action(request));
    const { outcome } = await runner[type](request);
    return valueOf(outcome);
  }

  async mutation(name: string, args: Record<string, unknown> = {}) {
    return await this.settle(this.begin("mutation", name, args));
  }

  async query(name: string, args: Record<string, unknown> = {}) {
    return await this.settle(this.begin("query", name, args));
  }

  /** One by one in one transaction; returns the ids. */
  async enqueue(...works: Work[]): Promise<string[]> {
    return (await this.mutation("enqueue", { works })) as string[];
  }

  /** In one call of the component; returns the ids. Under the default limit, 10. */
  async enqueueTogether(...works: Work[]): Promise<string[]> {
    return (await this.mutation("enqueueTogether", { works })) as string[];
  }

  async setLimit(maxParallelism: number | null): Promise<void> {
    await this.mutation("setLimit", { maxParallelism });
  }

  /** The rows of a table: as they are now, without time passing. */
  rows(table: string, component = ""): Row[] {
    const scan = this.deployment.database.begin().scan(component, {
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

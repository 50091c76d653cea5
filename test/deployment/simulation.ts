/** A deployment under a virtual clock with the app of these tests, which ends with the test that started it. */
import { readFileSync } from "node:fs";
import { inject, onTestFinished } from "vitest";
import type { App } from "../../embedded/src/runtime/types.js";
import type { Work } from "../../sim/app/convex/works.js";
import { World, type WorldOptions } from "../../sim/world.js";
import { Handlers } from "./handlers.js";
import { Processes } from "./processes.js";

export type { Row } from "../../sim/world.js";

type SimulationOptions = Partial<
  Omit<WorldOptions, "jitterMs" | "onRun" | "onLog">
> & {
  /** How late timers come at most, in milliseconds. Default 1. */
  jitterMs?: number;
};

let pushed: App | null = null;

/** The app of these tests on the component as it is. */
export function pushedApp(): App {
  return (pushed ??= JSON.parse(
    readFileSync(inject("pushedCode"), "utf8"),
  ) as App);
}

export class Simulation extends World {
  readonly handlers: Handlers;
  readonly processes: Processes;
  /** What functions and the deployment logged. */
  readonly log: string[];

  private constructor({
    app = pushedApp(),
    seed = 1,
    jitterMs = 1,
    ...options
  }: SimulationOptions) {
    const handlers = new Handlers(() => this.now());
    const processes = new Processes();
    const log: string[] = [];
    super({
      app,
      seed,
      jitterMs: () => jitterMs,
      ...options,
      onRun: (...run) =>
        handlers.observer(...run) ?? processes.observer(...run),
      onLog: (message) => void log.push(message),
    });
    this.handlers = handlers;
    this.processes = processes;
    this.log = log;
  }

  static async open(options: SimulationOptions = {}): Promise<Simulation> {
    const simulation = new Simulation(options);
    await simulation.start();
    onTestFinished(() => simulation.stop());
    return simulation;
  }

  override async crash(): Promise<void> {
    this.handlers.inFlight = 0;
    this.processes.forget();
    await super.crash();
  }

  /** Calls one of the app's `requests`. */
  async mutation(name: string, args: Record<string, unknown> = {}) {
    return await this.settle(this.request("mutation", name, args));
  }

  async query(name: string, args: Record<string, unknown> = {}) {
    return await this.settle(this.request("query", name, args));
  }

  /** Begins to call one of the app's `requests`; time has to pass for it to end. */
  async request(
    type: "query" | "mutation" | "action",
    name: string,
    args: Record<string, unknown>,
  ): Promise<any> {
    return await this.begin(type, `requests:${name}`, args);
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
}

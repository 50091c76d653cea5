/**
 * The function runtime and the scheduler of the embedded deployment.
 *
 * ```ts
 * const runtime = createRuntime({ database, clock, randomness, getApp });
 * await runtime.prepare(app); // compiles: do it before `app` becomes current
 * runtime.scheduler.start();
 * await runtime.runner.mutation({ address, args, caller: { kind: "client" } });
 * ```
 *
 * The database must be opened with {@link SYSTEM_TABLES} and
 * {@link DEPLOYMENT_TABLES}.
 */
import { JOBS_TABLE_DEFINITION } from "../scheduler/jobs.js";
import { Scheduler } from "../scheduler/scheduler.js";
import type { Clock, Randomness } from "../seams.js";
import type { Database, TableDefinition } from "../storage/types.js";
import type { Ability } from "./abilities.js";
import type { RuntimeContext } from "./context.js";
import { Executor } from "./executor.js";
import { FreshInstances, SharedInstances } from "./instances.js";
import {
  CONCURRENCY,
  DEFAULT_LIMITS,
  NO_LATENCY,
  type DeploymentClass,
  type Latency,
  type RuntimeLimits,
} from "./limits.js";
import { createModuleLoader, type ModuleLoader } from "./moduleLoader.js";
import { Permits } from "./permits.js";
import { createRunner } from "./runner.js";
import { SESSIONS_TABLE_DEFINITION } from "./sessions.js";
import { StatsCollector } from "./stats.js";
import type {
  App,
  FunctionAddress,
  FunctionRunner,
  LogLine,
  CallObserver,
  RunObserver,
  Stats,
} from "./types.js";
import { watchRejections } from "./userCode.js";

export { ABILITIES, type Ability } from "./abilities.js";
export { evaluateModule } from "./evaluate.js";
export { FunctionError, SystemError } from "./errors.js";
export { createModuleLoader, type ModuleLoader } from "./moduleLoader.js";
export type { DeploymentClass, Latency, RuntimeLimits } from "./limits.js";

/** For `openDatabase`: what every component's namespace has. */
export const SYSTEM_TABLES: TableDefinition[] = [JOBS_TABLE_DEFINITION];
/** For `openDatabase`: the deployment's own. */
export const DEPLOYMENT_TABLES: TableDefinition[] = [SESSIONS_TABLE_DEFINITION];

export interface RuntimeOptions {
  database: Database;
  clock: Clock;
  randomness: Randomness;
  /** What is deployed now. Running calls keep the App with which they began. */
  getApp(): App;
  /** What `ctx.meta.getDeploymentMetadata` answers. Default "embedded". */
  deploymentName?: string;
  /** Decides how many functions may run at once. Default "S256". */
  deploymentClass?: DeploymentClass;
  /** Be an older deployment, which cannot do this yet. Default: nothing is lacking. */
  lacks?: readonly Ability[];
  /** Artificial delays for benchmarks. Default: none. */
  latency?: Partial<Latency>;
  limits?: Partial<RuntimeLimits>;
  /** What actions call as `fetch`. Default: the platform's. */
  fetch?: typeof fetch;
  /** Default: its own. Shared, it compiles for several runtimes once. */
  modules?: ModuleLoader;
  /**
   * Let calls share their modules, with what module-level variables remember. For
   * benchmarks and simulations of code that keeps nothing there: it saves half the time.
   */
  reuseModules?: boolean;
  /** Default: nobody looks. */
  onRun?: RunObserver;
  /** Default: nobody looks. */
  onCall?: CallObserver;
  /** Every log line of every function, as it is written. */
  onLog?(address: FunctionAddress, line: LogLine): void;
  /** A failure of the deployment itself that no caller is told of. Default: to stderr. */
  onInternalError?(what: string, error: unknown): void;
}

export interface Runtime {
  runner: FunctionRunner;
  scheduler: { start(): void; stop(): void };
  modules: ModuleLoader;
  /** Compiles the modules of all definitions, so that no call has to wait for it. */
  prepare(app: App): Promise<void>;
  stats(): Stats;
  resetStats(): void;
  /** Stops the scheduler and the watch over unhandled rejections. */
  close(): void;
}

export function createRuntime(options: RuntimeOptions): Runtime {
  const { clock } = options;
  const deploymentClass = options.deploymentClass ?? "S256";
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const concurrency = {
    ...CONCURRENCY[deploymentClass],
    ...limits.concurrency,
  };
  const modules = options.modules ?? createModuleLoader();
  const stats = new StatsCollector();
  const context: RuntimeContext = {
    database: options.database,
    clock,
    randomness: options.randomness,
    getApp: options.getApp,
    modules,
    instances: options.reuseModules
      ? SharedInstances.of(modules)
      : new FreshInstances(),
    limits,
    latency: { ...NO_LATENCY, ...options.latency },
    stats,
    permits: {
      query: new Permits(clock, concurrency.queries, "query"),
      mutation: new Permits(clock, concurrency.mutations, "mutation"),
      action: new Permits(clock, concurrency.actions, "action"),
      nodeAction: new Permits(clock, concurrency.nodeActions, "action"),
    },
    deployment: {
      name: options.deploymentName ?? "embedded",
      region: null,
      class: deploymentClass.toLowerCase(),
    },
    lacks: new Set(options.lacks),
    fetch: options.fetch ?? fetch,
    onRun: options.onRun ?? (() => null),
    onCall: options.onCall ?? (() => null),
    onLog: options.onLog ?? (() => {}),
    onInternalError:
      options.onInternalError ??
      ((what, error) => console.error(`${what}:`, error)),
  };
  const executor = new Executor(context);
  const scheduler = new Scheduler(context, executor, concurrency.scheduledJobs);
  const stopWatching = watchRejections();
  return {
    runner: createRunner(context, executor),
    scheduler: {
      start: () => scheduler.start(),
      stop: () => scheduler.stop(),
    },
    modules,
    prepare: async (app) => {
      await Promise.all(
        Object.values(app.definitions).map((d) => modules.definition(d)),
      );
    },
    stats: () => stats.snapshot(),
    resetStats: () => stats.reset(),
    close: () => {
      scheduler.stop();
      stopWatching();
    },
  };
}

/** What the calls of one deployment share, and what the calls of one request share. */
import type { Clock, Randomness } from "../seams.js";
import type { Database } from "../storage/types.js";
import type { JobReference } from "../scheduler/jobs.js";
import type { Lacks } from "./abilities.js";
import type { Instances } from "./instances.js";
import type { Latency, RuntimeLimits } from "./limits.js";
import type { ModuleLoader } from "./moduleLoader.js";
import type { Permits } from "./permits.js";
import type { StatsCollector } from "./stats.js";
import type {
  App,
  CallObserver,
  FunctionAddress,
  LogLine,
  RunObserver,
} from "./types.js";

export interface DeploymentMetadata {
  name: string;
  region: string | null;
  class: string;
}

export interface RuntimeContext {
  database: Database;
  clock: Clock;
  randomness: Randomness;
  /** What is deployed now. A call keeps the App with which it began. */
  getApp(): App;
  modules: ModuleLoader;
  instances: Instances;
  limits: RuntimeLimits;
  latency: Latency;
  stats: StatsCollector;
  permits: Record<"query" | "mutation" | "action" | "nodeAction", Permits>;
  deployment: DeploymentMetadata;
  /** What an older deployment cannot do. */
  lacks: Lacks;
  fetch: typeof fetch;
  onRun: RunObserver;
  onCall: CallObserver;
  onLog(address: FunctionAddress, line: LogLine): void;
  /** A failure of the deployment itself that no caller is told of. */
  onInternalError(what: string, error: unknown): void;
}

/** Follows a request through all the calls it causes. */
export interface RequestContext {
  requestId: string;
  ip: string | null;
  userAgent: string | null;
  /** The scheduled function in which all this happens. */
  scheduledJob: JobReference | null;
}

/** Waits through the clock; nothing at all for a latency of zero. */
export async function delay(clock: Clock, ms: number): Promise<void> {
  if (ms > 0) await clock.sleep(ms);
}

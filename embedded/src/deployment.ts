/**
 * An embedded deployment in this process: storage, runtime, scheduler, and the
 * two servers (the API with its sync endpoint, and the site with the HTTP
 * actions).
 */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { loadAdminKey } from "./adminKey.js";
import { SystemRandomness, WallClock } from "./clock.js";
import { Deployer } from "./deploy/deployer.js";
import { createEvaluator } from "./deploy/evaluator.js";
import { DEPLOY_TABLES } from "./deploy/store.js";
import { deployRoutes } from "./http/deployRoutes.js";
import { answerLater, upgradeLater } from "./http/patient.js";
import { FunctionLog } from "./http/functionLog.js";
import { functionRoutes } from "./http/functionRoutes.js";
import { createKeyCheck } from "./http/identity.js";
import { loggedRunner, logScheduledFunctions } from "./http/loggedRunner.js";
import { createRequestListener } from "./http/router.js";
import { createSiteListener } from "./http/site.js";
import { Visitors } from "./http/visitors.js";
import {
  createRuntime,
  DEPLOYMENT_TABLES,
  SYSTEM_TABLES,
  type DeploymentClass,
  type Latency,
  type Runtime,
  type RuntimeLimits,
  type RuntimeOptions,
} from "./runtime/index.js";
import type { App, FunctionRunner, Stats } from "./runtime/types.js";
import type { Clock, Randomness } from "./seams.js";
import { openDatabase, type Database } from "./storage/index.js";
import { createSyncBackend } from "./sync/backend.js";
import { SyncSockets } from "./sync/sockets.js";
import { createSystemQueries } from "./sync/systemQueries.js";

export interface DeploymentOptions
  // For simulations and benchmarks.
  extends Pick<RuntimeOptions, "modules" | "reuseModules" | "onRun" | "lacks"> {
  /** Port of the API. Default 0: any free one. */
  port?: number;
  /** Port of the site, where HTTP actions are served. Default 0: any free one. */
  sitePort?: number;
  /** Address to listen on. Default "127.0.0.1": this machine only. */
  host?: string;
  /** Origins whose pages may call, besides those of this machine: "https://example.com". */
  allowedOrigins?: string[];
  /** Where everything is kept, created when it does not exist. Default: in memory only. */
  dataDir?: string;
  /** How many functions may run at once, as Convex's deployment classes have it. Default "S256". */
  deploymentClass?: DeploymentClass;
  /** Default: the machine's time. */
  clock?: Clock;
  /** Default: the machine's randomness. */
  randomness?: Randomness;
  /** Artificial delays for benchmarks. Default: none. */
  latency?: Partial<Latency>;
  /** Limits that differ from Convex's. */
  limits?: Partial<RuntimeLimits>;
  /** Every log line of every function, and internal errors. Default: nothing is logged. */
  onLog?(message: string): void;
}

export interface Deployment {
  /** Of the API: what clients and the CLI are given. */
  readonly url: string;
  /** Of the HTTP actions. */
  readonly siteUrl: string;
  readonly adminKey: string;
  readonly database: Database;
  /** Calls functions without a socket: for simulations, whose time does not pass while a request travels. */
  readonly runner: FunctionRunner;
  /** What every function has done since the start. */
  stats(): Stats;
  /** Forgets what was counted. */
  resetStats(): void;
  /** Stops serving and scheduling; everything committed is on disk. */
  close(): Promise<void>;
}

const DEPLOYMENT_NAME = "embedded";

export async function startDeployment(
  options: DeploymentOptions = {},
): Promise<Deployment> {
  const clock = options.clock ?? new WallClock();
  const randomness = options.randomness ?? new SystemRandomness();
  const host = options.host ?? "127.0.0.1";
  const visitors = new Visitors(host, options.allowedOrigins ?? []);
  const report = options.onLog ?? (() => {});
  const onInternalError = (error: unknown) =>
    report(`Internal error: ${describe(error)}`);

  const database = openDatabase({
    ...(options.dataDir === undefined ? {} : { dir: options.dataDir }),
    report: (message) => report(`Storage: ${message}`),
    clock,
    randomness,
    systemTables: SYSTEM_TABLES,
    deploymentTables: [...DEPLOYMENT_TABLES, ...DEPLOY_TABLES],
  });
  const closers: (() => void | Promise<void>)[] = [() => database.close()];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };

  try {
    const api = createServer();
    const site = createServer();
    const answerApi = answerLater(api);
    const upgradeApi = upgradeLater(api);
    const answerSite = answerLater(site);
    const url = await listen(api, options.port ?? 0, host);
    closers.push(() => stop(api));
    const siteUrl = await listen(site, options.sitePort ?? 0, host);
    closers.push(() => stop(site));

    const adminKey = await loadAdminKey(
      DEPLOYMENT_NAME,
      options.dataDir,
      randomness,
    );
    const isAdminKey = createKeyCheck(adminKey);
    const log = new FunctionLog(
      clock,
      (address) => runtime.runner.describe(address),
      report,
    );
    const stopWatching = database.onCommit((commit) =>
      logScheduledFunctions(log, commit),
    );
    closers.push(() => {
      stopWatching();
      log.close();
    });

    const runtime: Runtime = createRuntime({
      database,
      clock,
      randomness,
      getApp: (): App => deployer.app,
      deploymentName: DEPLOYMENT_NAME,
      ...pick(
        options,
        "deploymentClass",
        "latency",
        "limits",
        "lacks",
        "modules",
        "reuseModules",
        "onRun",
      ),
      onLog: (address, line) => log.line(address, line),
    });
    closers.push(() => runtime.close());
    const runner = loggedRunner(runtime.runner, log, clock);
    const deployer: Deployer = new Deployer({
      database,
      randomness,
      evaluator: createEvaluator({
        modules: runtime.modules,
        clock,
        randomness,
      }),
      lacks: new Set(options.lacks),
      systemEnv: { CONVEX_CLOUD_URL: url, CONVEX_SITE_URL: siteUrl },
      onActivate: (_app, ts) => backend.queries.invalidateAll(ts),
    });
    const backend = createSyncBackend({
      clock,
      database,
      runner,
      systemQueries: createSystemQueries({
        database,
        deployer: () => deployer,
        cloudUrl: () => url,
      }),
      isAdminKey,
      onInternalError,
    });
    closers.push(() => backend.queries.close());
    const sockets = new SyncSockets(backend, visitors);
    closers.push(() => sockets.close());

    await runtime.prepare(deployer.app);
    answerApi(
      createRequestListener(
        [
          functionRoutes({ runner, database }),
          deployRoutes({
            deployer,
            log,
            name: DEPLOYMENT_NAME,
            urls: () => ({ url, siteUrl }),
          }),
        ],
        { isAdminKey, visitors, onInternalError },
      ),
    );
    upgradeApi((request, socket, head) =>
      sockets.upgrade(request, socket, head),
    );
    answerSite(createSiteListener(runner, visitors, onInternalError));
    runtime.scheduler.start();

    return {
      url,
      siteUrl,
      adminKey,
      database,
      runner,
      stats: () => runtime.stats(),
      resetStats: () => runtime.resetStats(),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function listen(
  server: Server,
  port: number,
  host: string,
): Promise<string> {
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address() as AddressInfo;
  // An address for every interface is none to connect to.
  const name = ["0.0.0.0", "::"].includes(host)
    ? "127.0.0.1"
    : host.includes(":")
      ? `[${host}]`
      : host;
  return `http://${name}:${address.port}`;
}

async function stop(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

/** The options that were given, for callees that tell "absent" from "undefined". */
function pick<T extends object, K extends keyof T>(
  from: T,
  ...keys: K[]
): Pick<T, K> {
  return Object.fromEntries(
    keys
      .filter((key) => from[key] !== undefined)
      .map((key) => [key, from[key]]),
  ) as Pick<T, K>;
}

function describe(error: unknown): string {
  return error instanceof Error
    ? (error.stack ?? error.message)
    : String(error);
}

/**
 * What is deployed, and how it changes: pushes of the CLI and environment
 * variables. A push is evaluated (`startPush`), its schema is tried on the data
 * (`waitForSchema`), and then everything takes effect in one transaction
 * (`finishPush`). Functions that are running keep the App they began with.
 */
import { badRequest } from "../http/errors.js";
import type { Lacks } from "../runtime/abilities.js";
import type { App } from "../runtime/types.js";
import type { Randomness } from "../seams.js";
import {
  DeveloperError,
  type Database,
  type Limits,
  type Transaction,
  type Ts,
} from "../storage/types.js";
import { checkEnvChanges, requireDeclaredEnv } from "./environment.js";
import { buildApp, emptyCode, type DeployedCode } from "./code.js";
import type { ModuleEvaluator } from "./evaluator.js";
import {
  evaluatePush,
  moduleHash,
  type EvaluatedPush,
} from "./evaluatePush.js";
import { walk } from "./mount.js";
import {
  PendingPushes,
  pushIdOf,
  sameEntries,
  type PendingPush,
} from "./pendingPushes.js";
import { predictSchemaChanges } from "./prediction.js";
import { parseStartPushRequest } from "./request.js";
import { finishPushDiff, indexDiffs, startPushResponse } from "./response.js";
import { toSchemaDefinition } from "./schema.js";
import {
  readCode,
  readEnvironment,
  writeCode,
  writeEnvironment,
  type EnvChange,
} from "./store.js";

/** Bookkeeping of the deployment is not held to the limits of functions. */
const UNLIMITED: Limits = {
  documentsRead: Infinity,
  bytesRead: Infinity,
  databaseQueries: Infinity,
  documentsWritten: Infinity,
  bytesWritten: Infinity,
  functionsScheduled: Infinity,
  scheduledFunctionArgsBytes: Infinity,
};
export interface DeployerOptions {
  database: Database;
  evaluator: ModuleEvaluator;
  randomness: Randomness;
  systemEnv: Record<string, string>;
  /** What an older deployment cannot do. Default: nothing. */
  lacks?: Lacks;
  /** Called right after a push or a change of variables took effect. */
  onActivate(app: App, ts: Ts): void;
}

export type SchemaStatus =
  | { type: "complete" }
  | { type: "raceDetected" }
  | {
      type: "failed";
      error: string;
      componentPath: string;
      tableName: string | null;
    };

export class Deployer {
  readonly #options: DeployerOptions;
  readonly #pending: PendingPushes;
  #code: DeployedCode;
  #environment: Record<string, string>;
  #app: App;

  constructor(options: DeployerOptions) {
    this.#options = options;
    this.#pending = new PendingPushes(options.randomness);
    const transaction = this.#begin();
    this.#code = readCode(transaction) ?? emptyCode();
    this.#environment = readEnvironment(transaction);
    this.#app = this.#build(1);
  }

  get app(): App {
    return this.#app;
  }

  get code(): DeployedCode {
    return this.#code;
  }

  #begin(): Transaction {
    return this.#options.database.begin({ limits: UNLIMITED });
  }

  #build(version: number): App {
    return buildApp(
      this.#code,
      { user: this.#environment, system: this.#options.systemEnv },
      version,
    );
  }

  #activate(ts: Ts): void {
    this.#app = this.#build(this.#app.version + 1);
    this.#options.onActivate(this.#app, ts);
  }

  async #evaluate(body: unknown): Promise<PendingPush> {
    const request = parseStartPushRequest(body);
    const environment = this.#environment;
    const push = await evaluatePush(request, {
      evaluator: this.#options.evaluator,
      deployedModules: this.#code.definitions[""]?.modules ?? [],
      userEnv: environment,
      systemEnv: this.#options.systemEnv,
      lacks: this.#options.lacks ?? new Set(),
    });
    return {
      push,
      functions: request.functions,
      environment,
      dryRun: request.dryRun || request.forCodegen,
    };
  }

  /** `POST /api/deploy2/start_push`: evaluates, changes nothing yet. */
  async startPush(body: unknown): Promise<unknown> {
    const pending = await this.#evaluate(body);
    const pushId = this.#pending.add(pending);
    return startPushResponse(
      pushId,
      pending.push,
      this.#code,
      pending.environment,
    );
  }

  /** `POST /api/deploy2/evaluate_push` */
  async evaluatePush(body: unknown): Promise<unknown> {
    const { push } = await this.#evaluate(body);
    return {
      schemaChange: {
        allocatedComponentIds: {},
        schemaIds: {},
        indexDiffs: indexDiffs(this.#code, push),
      },
    };
  }

  /** `POST /api/deploy2/evaluate_schema`: what the CLI asks before a deploy. */
  async evaluateSchema(body: unknown): Promise<unknown> {
    const { push } = await this.#evaluate(body);
    return predictSchemaChanges(this.#begin(), this.#code, push);
  }

  /** `POST /api/deploy2/wait_for_schema`: does the data fit? */
  waitForSchema(body: unknown): SchemaStatus {
    const pending = this.#pending.get(pushIdOf(body, "schemaChange"));
    if (pending === undefined) return { type: "raceDetected" };
    // Tried in a transaction that is thrown away.
    const problem = this.#applySchemas(this.#begin(), pending.push);
    return problem ?? { type: "complete" };
  }

  #applySchemas(
    transaction: Transaction,
    push: EvaluatedPush,
  ): SchemaStatus | null {
    for (const component of walk(push.app)) {
      const schema = push.definitions[component.definitionPath]?.schema ?? null;
      try {
        this.#options.database.applySchema(
          transaction,
          component.componentPath,
          toSchemaDefinition(schema),
        );
      } catch (error) {
        if (!(error instanceof DeveloperError)) throw error;
        return {
          type: "failed",
          error: error.message,
          componentPath: component.componentPath,
          tableName: /in table "([^"]+)"/.exec(error.message)?.[1] ?? null,
        };
      }
    }
    return null;
  }

  /** `POST /api/deploy2/finish_push`: everything takes effect, or nothing does. */
  finishPush(body: unknown): unknown {
    if ((body as { dryRun?: unknown } | null)?.dryRun === true) {
      return finishPushDiff(this.#code, null);
    }
    const pushId = pushIdOf(body, "startPush", "schemaChange");
    const pending = this.#pending.get(pushId);
    if (pending === undefined || pending.dryRun) {
      throw badRequest(
        "RaceDetected",
        "This push is not known (any more): the deployment was restarted, or many pushes were started since. Push again.",
      );
    }
    const { push, functions, environment } = pending;
    if (!sameEntries(environment, this.#environment)) {
      throw badRequest(
        "RaceDetected",
        "Environment variables have changed during push",
      );
    }
    requireDeclaredEnv(
      push.definitions[""]?.definition.envVars ?? [],
      this.#environment,
    );

    const { database } = this.#options;
    const previous = this.#code;
    const next: DeployedCode = {
      ...push,
      functions,
      version: previous.version + 1,
    };
    const transaction = this.#begin();
    const problem = this.#applySchemas(transaction, push);
    if (problem?.type === "failed") {
      throw badRequest(
        "SchemaValidationFailed",
        `Schema validation failed${problem.componentPath === "" ? "" : ` in component "${problem.componentPath}"`}.\n${problem.error}`,
      );
    }
    const mounted = new Set(
      [...walk(push.app)].map(({ componentPath }) => componentPath),
    );
    for (const { componentPath } of walk(previous.app)) {
      if (!mounted.has(componentPath)) {
        database.dropNamespace(transaction, componentPath);
      }
    }
    writeCode(transaction, next);
    const ts = database.commit(transaction);
    this.#pending.delete(pushId);
    this.#code = next;
    this.#activate(ts);
    return finishPushDiff(previous, next);
  }

  /** `POST /api/get_config_hashes`: what the CLI need not send again. */
  configHashes(): unknown {
    const app = this.#code.definitions[""];
    return {
      config: { functions: this.#code.functions },
      moduleHashes: (app?.modules ?? []).map((module) => ({
        path: module.path,
        hash: moduleHash(module),
        environment: module.environment,
      })),
      nodeDependencies: [],
      udfServerVersion: app?.udfServerVersion ?? null,
    };
  }

  get environment(): Readonly<Record<string, string>> {
    return this.#environment;
  }

  /** `POST /api/update_environment_variables`: all of them, or none. */
  updateEnvironment(changes: EnvChange[]): void {
    const next = checkEnvChanges(
      this.#environment,
      changes,
      this.#code.definitions[""]?.definition.envVars ?? [],
    );
    const transaction = this.#begin();
    writeEnvironment(transaction, changes);
    const ts = this.#options.database.commit(transaction);
    this.#environment = next;
    this.#activate(ts);
  }
}

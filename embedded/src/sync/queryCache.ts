/**
 * The queries that are being watched, shared by all sockets: the same function
 * with the same arguments runs once per change, however many clients look at it.
 */
import { createHash } from "node:crypto";
import type { FunctionOutcome, QueryOutcome } from "../runtime/types.js";
import type { Database, JSONObject, ReadSet, Ts } from "../storage/types.js";
import { SubscriptionIndex } from "./subscriptionIndex.js";

export interface QuerySpec {
  /** A component path: "" is the app. */
  component: string;
  /** "mod/path:fn" */
  name: string;
  args: JSONObject;
  journal: string | null;
  /** Admins see internal functions and the deployment's own. */
  admin: boolean;
}

function keyOf(spec: QuerySpec): string {
  return JSON.stringify([
    spec.component,
    spec.name,
    spec.args,
    spec.journal,
    spec.admin,
  ]);
}

/** A query's result and for how long it was right. */
export class QueryResult {
  readonly ts: Ts;
  readonly readSet: ReadSet;
  /** The first commit after which it is no longer right; null: right up to now. */
  invalidAt: Ts | null = null;
  /** Told once, when a commit makes the result wrong. */
  readonly watchers = new Set<() => void>();

  #fingerprint: string | null = null;

  constructor(readonly outcome: QueryOutcome) {
    this.ts = outcome.ts;
    this.readSet = outcome.readSet;
  }

  /** Equal for results that look the same to a client. */
  get fingerprint(): string {
    return (this.#fingerprint ??= fingerprint(this.outcome.outcome));
  }

  /** `ts` must not lie in the future. */
  isRightAt(ts: Ts): boolean {
    return this.ts <= ts && (this.invalidAt === null || ts < this.invalidAt);
  }
}

function fingerprint(outcome: FunctionOutcome): string {
  const visible = {
    ...outcome,
    logLines: outcome.logLines.map(({ level, message }) => [level, message]),
  };
  return createHash("sha1").update(JSON.stringify(visible)).digest("base64");
}

/** The deployment could not run the query (overload): nothing is known about its result. */
export class SystemFailure extends Error {
  readonly code: string;

  constructor(outcome: { message: string; code?: string }) {
    super(outcome.message);
    this.name = "SystemFailure";
    this.code = outcome.code ?? "InternalServerError";
  }
}

export class QueryCache {
  readonly #database: Database;
  readonly #run: (spec: QuerySpec, at: Ts) => Promise<QueryOutcome>;
  readonly #index = new SubscriptionIndex<QueryResult>();
  readonly #latest = new Map<string, QueryResult>();
  /** Those that are still right: exactly what the index holds. */
  readonly #valid = new Set<QueryResult>();
  readonly #running = new Map<string, Promise<unknown>>();
  readonly #unsubscribe: () => void;
  /** How often everything was invalidated at once. */
  #generation = 0;

  constructor(
    database: Database,
    run: (spec: QuerySpec, at: Ts) => Promise<QueryOutcome>,
  ) {
    this.#database = database;
    this.#run = run;
    this.#unsubscribe = database.onCommit((commit) => {
      for (const result of this.#index.touchedBy(commit)) {
        this.#invalidate(result, commit.ts);
      }
    });
  }

  /**
   * The query's result at `at`. `watcher` is called once it is no longer right
   * (never before this method has returned); `release` must be called when the
   * result is no longer needed.
   */
  async watch(
    spec: QuerySpec,
    at: Ts,
    watcher: () => void,
  ): Promise<{ result: QueryResult; release: () => void }> {
    const key = keyOf(spec);
    for (;;) {
      const known = this.#latest.get(key);
      if (known?.isRightAt(at)) return this.#hold(key, known, watcher);
      const running = this.#running.get(key);
      if (running === undefined) break;
      // What the run before is about to find out may do for us too.
      await running.catch(() => {});
    }
    const run = this.#evaluate(key, spec, at);
    this.#running.set(key, run);
    try {
      return this.#hold(key, await run, watcher);
    } finally {
      this.#running.delete(key);
    }
  }

  async #evaluate(key: string, spec: QuerySpec, at: Ts): Promise<QueryResult> {
    const generation = this.#generation;
    const outcome = await this.#run(spec, at);
    if (!outcome.outcome.ok && outcome.outcome.system === true) {
      throw new SystemFailure(outcome.outcome);
    }
    const result = new QueryResult(outcome);
    const changed =
      generation !== this.#generation ||
      this.#database.changedSince(result.readSet, result.ts) !== false;
    if (changed) {
      result.invalidAt = result.ts + 1n;
    } else {
      this.#index.add(result);
      this.#valid.add(result);
    }
    const known = this.#latest.get(key);
    if (known === undefined || known.ts <= result.ts) {
      this.#latest.set(key, result);
    }
    return result;
  }

  #hold(
    key: string,
    result: QueryResult,
    watcher: () => void,
  ): { result: QueryResult; release: () => void } {
    // The same function may watch twice.
    const own = () => watcher();
    result.watchers.add(own);
    return {
      result,
      release: () => {
        result.watchers.delete(own);
        if (result.watchers.size > 0) return;
        this.#forget(result);
        if (this.#latest.get(key) === result) this.#latest.delete(key);
      },
    };
  }

  #invalidate(result: QueryResult, ts: Ts): void {
    if (result.invalidAt !== null) return;
    result.invalidAt = ts;
    this.#forget(result);
    for (const watcher of [...result.watchers]) watcher();
  }

  #forget(result: QueryResult): void {
    if (this.#valid.delete(result)) this.#index.remove(result);
  }

  /** Other code or other variables are in force from `ts` on. */
  invalidateAll(ts: Ts): void {
    this.#generation += 1;
    for (const result of [...this.#valid]) this.#invalidate(result, ts);
  }

  close(): void {
    this.#unsubscribe();
  }
}

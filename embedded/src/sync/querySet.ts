/** The queries one client watches, and what it knows of their results. */
import { badRequest } from "../http/errors.js";
import type { Caller } from "../runtime/types.js";
import type { Ts } from "../storage/types.js";
import type {
  AddQuery,
  QuerySetModification,
  StateModification,
} from "./protocol.js";
import type { QueryCache, QueryResult } from "./queryCache.js";
import { queryModification } from "./responses.js";

/** Far more than any page shows. All of them may have to run at once. */
const MAX_QUERIES = 10_000;

interface SyncedQuery {
  /** As added, but with the journal of its latest result. */
  query: AddQuery;
  held: { result: QueryResult; release: () => void } | null;
  /** The fingerprint of what the client was last sent. */
  sent: string | null;
}

export class QuerySet {
  readonly #queries = new Map<number, SyncedQuery>();
  readonly #cache: QueryCache;
  /** Called when a result is no longer right. */
  readonly #onChange: () => void;
  /** What the next transition tells besides results. */
  #removed = new Map<number, StateModification>();
  #disposed = false;

  constructor(cache: QueryCache, onChange: () => void) {
    this.#cache = cache;
    this.#onChange = onChange;
  }

  /** Throws when a query is added twice, is one too many, or is removed without being there. */
  apply(modifications: QuerySetModification[]): void {
    for (const modification of modifications) {
      const { type, queryId } = modification;
      const existing = this.#queries.get(queryId);
      if ((type === "Add") === (existing !== undefined)) {
        throw badRequest(
          "InvalidQuerySet",
          type === "Add"
            ? `There is a query with the id ${queryId} already.`
            : `There is no query with the id ${queryId} to remove.`,
        );
      }
      if (type === "Add") {
        if (this.#queries.size >= MAX_QUERIES) {
          throw badRequest(
            "TooManyQueries",
            `One connection may watch up to ${MAX_QUERIES} queries.`,
          );
        }
        this.#queries.set(queryId, {
          query: modification,
          held: null,
          sent: null,
        });
        this.#removed.delete(queryId);
      } else {
        existing?.held?.release();
        this.#queries.delete(queryId);
        this.#removed.set(queryId, { type: "QueryRemoved", queryId });
      }
    }
  }

  /** Whoever asks is somebody else now: no result holds any more. */
  forgetResults(): void {
    for (const synced of this.#queries.values()) {
      synced.held?.release();
      synced.held = null;
    }
  }

  /** Makes all results right at `ts`. Rejects when a query cannot be run there (any more). */
  async refresh(caller: Caller, ts: Ts): Promise<void> {
    const outdated = [...this.#queries.values()].filter(
      ({ held }) => held === null || !held.result.isRightAt(ts),
    );
    const runs = await Promise.allSettled(
      outdated.map((synced) => this.#rerun(synced, caller, ts)),
    );
    for (const run of runs) if (run.status === "rejected") throw run.reason;
  }

  async #rerun(synced: SyncedQuery, caller: Caller, ts: Ts): Promise<void> {
    const { query } = synced;
    const held = await this.#cache.watch(
      {
        component: query.componentPath ?? "",
        name: query.name,
        args: query.args,
        journal: query.journal,
        admin: caller.kind === "admin",
      },
      ts,
      this.#onChange,
    );
    synced.held?.release();
    synced.held = held;
    if (this.#disposed) held.release();
  }

  /** What the client does not know yet, once all results are right. */
  takeChanges(): StateModification[] {
    const changes = this.#removed;
    this.#removed = new Map();
    for (const synced of this.#queries.values()) {
      const { result } = synced.held!;
      synced.query.journal = result.outcome.journal;
      // Overtaken by a commit while it, or another one, was computed.
      if (result.invalidAt !== null) this.#onChange();
      if (synced.sent === result.fingerprint) continue;
      synced.sent = result.fingerprint;
      const { queryId } = synced.query;
      changes.set(queryId, queryModification(queryId, result));
    }
    return [...changes.values()];
  }

  dispose(): void {
    this.#disposed = true;
    this.forgetResults();
    this.#queries.clear();
  }
}

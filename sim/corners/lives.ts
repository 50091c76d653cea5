/**
 * What becomes of each work of a history, seen from outside as far as that goes: from
 * what clients enqueue, from the calls of handlers, and of the component's tables
 * from the queue and from the rows that stand for works and outcomes.
 *
 *     waits ──▶ taken ──▶ runs ──▶ returned ──▶ ended
 *       ▲         │         │          │
 *       └─────────┴─────────┴──────────┘ back in the queue
 */
import type { CommittedWrites } from "../../embedded/src/storage/types.js";
import type { Spec } from "../app/convex/specs.js";
import { POOLS } from "../jobs.js";
import type { CallListener, HandlerCall } from "../runs.js";
import { Queue } from "./queue.js";

export type Phase = "waits" | "taken" | "runs" | "returned" | "ended";

export interface Life {
  spec: Spec;
  workId: string;
  phase: Phase;
  /** When it came into this phase. */
  since: number;
  /** When it last came into the queue. */
  waitsSince: number;
  /** The scheduled function of the executor that has called its handler. */
  executor: string | null;
  /** Attempts that a drawn fault ended: they had begun, and were not recorded. */
  lost: number;
}

export interface Outcome {
  life: Life;
  kind: "success" | "failed" | "canceled";
  error: string | null;
}

/** What one pool has in each phase. */
export class Pool {
  readonly queue: Queue;
  /** In quarantine: each group waits for an executor of its own. */
  readonly quarantine: Queue;
  /** Works that left the queue, and whose handler was not called. */
  taken = 0;
  running = 0;
  /** Of the works above, and results that were not recorded. */
  heldBytes = 0;

  constructor(isCounted: (workId: string) => boolean) {
    this.queue = new Queue(isCounted);
    this.quarantine = new Queue(isCounted);
  }
}

/** Longer than from one report of a busy executor to the next, on the slowest platform. */
const REPORT_MS = 500;
const FEW = 2;
/**
 * What an executor was given goes back with a report once nothing has come, begun or ended
 * there for a second. Until then the executor may have begun it.
 */
const GIVEN_BACK_MS = 2_500;

/** Works that declare more wait for an executor of their own. */
const LONG_MS = 20 * 60_000;

export const isLong = ({ timeoutMs }: Spec): boolean =>
  timeoutMs !== undefined && timeoutMs > LONG_MS;

export class Lives implements CallListener {
  readonly byWork = new Map<string, Life>();
  private readonly workOf = new Map<string, string>();
  private readonly pools = new Map<string, Pool>();
  private readonly begins: { executor: string; at: number }[] = [];
  /** How many works may have failed with an executor that never began them. */
  inDoubt = 0;

  constructor(
    private readonly specs: ReadonlyMap<string, Spec>,
    /** Time that passes. */
    private readonly elapsed: () => number,
    private readonly onOutcome: (outcome: Outcome) => void,
  ) {
    for (const name of POOLS) {
      this.pools.set(
        name,
        new Pool((workId) => !isLong(this.byWork.get(workId)!.spec)),
      );
    }
  }

  pool(name: string): Pool {
    return this.pools.get(name)!;
  }

  all(): Iterable<Life> {
    return this.byWork.values();
  }

  of({ work }: HandlerCall): Life | undefined {
    const workId = "key" in work ? this.workOf.get(work.key) : work.workId;
    return workId === undefined ? undefined : this.byWork.get(workId);
  }

  afterCommit({ writes }: CommittedWrites): void {
    for (const { namespace, table, before, after } of writes) {
      if (namespace !== "" || table !== "enqueued" || before || !after)
        continue;
      this.enqueued(after.value as { key: string; workId: string });
    }
    // What moves from one entry to another has left the one first.
    const entries = writes.filter(
      ({ namespace, table }) => namespace !== "" && table === "pendingStart",
    );
    for (const { namespace, id, before, after } of entries) {
      const stays = new Set(worksOf(after));
      const { queue, quarantine } = this.pool(namespace);
      queue.remove(id);
      quarantine.remove(id);
      for (const workId of worksOf(before)) {
        if (!stays.has(workId)) this.move(workId, "taken");
      }
    }
    for (const { namespace, id, after } of entries) {
      if (after === null) continue;
      const works = worksOf(after);
      for (const workId of works) this.move(workId, "waits");
      const { dueAt, kind } = after.value as { dueAt: number; kind: string };
      // An ordinary work that no open executor is young enough for waits like a long one.
      const counted = kind === "long" ? [] : works;
      const { queue, quarantine } = this.pool(namespace);
      (kind === "isolated" ? quarantine : queue).put(id, dueAt, counted);
    }
    for (const { namespace, table, id, before, after } of writes) {
      if (namespace === "") continue;
      if (table === "work" && isOver(after)) this.move(id, "ended");
      if (table === "complete" && before === null && after) {
        this.completed(after.value as Record<string, any>);
      }
    }
  }

  private enqueued({ key, workId }: { key: string; workId: string }): void {
    this.workOf.set(key, workId);
    this.byWork.set(workId, {
      spec: this.specs.get(key)!,
      workId,
      phase: "waits",
      since: this.elapsed(),
      waitsSince: this.elapsed(),
      executor: null,
      lost: 0,
    });
  }

  private completed({ workId, result }: Record<string, any>): void {
    const life = this.byWork.get(workId as string);
    if (life === undefined) return;
    const error = (result.error as string | undefined) ?? null;
    this.onOutcome({ life, kind: result.kind, error });
  }

  private move(workId: string, phase: Phase): void {
    const life = this.byWork.get(workId);
    if (life === undefined || life.phase === phase) return;
    this.count(life, -1);
    life.phase = phase;
    life.since = this.elapsed();
    if (phase === "waits") life.waitsSince = life.since;
    this.count(life, 1);
  }

  private count({ spec, phase }: Life, sign: 1 | -1): void {
    const pool = this.pool(spec.pool.name);
    if (phase === "taken" && !isLong(spec)) pool.taken += sign;
    if (phase === "runs") pool.running += sign;
    pool.heldBytes += sign * heldBytes(spec, phase);
  }

  onCall(call: HandlerCall): void {
    const life = this.of(call);
    if (life === undefined || life.phase === "ended") return;
    life.executor = call.scheduledId;
    this.begins.push({ executor: call.scheduledId, at: this.elapsed() });
    this.move(life.workId, "runs");
  }

  onReturn(call: HandlerCall): void {
    const life = this.of(call);
    if (life?.phase !== "runs" || life.executor !== call.scheduledId) return;
    this.move(life.workId, "returned");
  }

  /**
   * Executors die. What they may have begun since their last reports is in doubt: as many
   * works as began within the time that a report takes, those on their way to them or given
   * to them and not given back, and a few for each. Of one that has never reported nobody knows whether it began at all.
   */
  died(executors: ReadonlySet<string>, startedUnheard: number): void {
    const now = this.elapsed();
    const begun = this.begins.filter(
      ({ executor, at }) => executors.has(executor) && now - at <= REPORT_MS,
    );
    const onTheirWay = [...this.byWork.values()].filter(
      ({ phase, since }) => phase === "taken" && now - since <= GIVEN_BACK_MS,
    );
    this.inDoubt +=
      2 * begun.length +
      onTheirWay.length +
      startedUnheard +
      FEW * executors.size;
  }

  /** What this executor has called and nobody has recorded. */
  begunBy(executor: string): Life[] {
    return [...this.byWork.values()].filter(
      (life) =>
        life.executor === executor &&
        (life.phase === "runs" || life.phase === "returned"),
    );
  }
}

/** What an executor has in its memory of a work. */
export function heldBytes(spec: Spec, phase: Phase): number {
  if (phase === "taken" || phase === "runs") return spec.argBytes;
  return phase === "returned" && spec.fnType === "action"
    ? spec.resultBytes
    : 0;
}

function worksOf(entry: { value: Record<string, any> } | null): string[] {
  return (entry?.value.works as string[] | undefined) ?? [];
}

/** The row of a work that failed stays, and says so. */
function isOver(after: { value: object } | null): boolean {
  return after === null || "endedAt" in after.value;
}

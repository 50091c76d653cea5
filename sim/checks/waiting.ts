/**
 * Nothing waits for long that could run. What was lost by a fault is noticed
 * within fifteen seconds once all is well again; without faults, nothing is lost.
 */
import type { Mirror, StoredRow } from "../mirror.js";
import type { Run, RunListener } from "../runs.js";
import type { CommitCheck, Violate } from "./check.js";
import { inFlightAt } from "./inFlight.js";

/** A lost executor is noticed, and a lost tick replaced, within this. */
export const NOTICED_MS = 15_000;
/** Far more than a loop needs to look, though it may lose a few races. */
export const PROMPT_MS = 5_000;

export function checkWaiting(
  mirror: Mirror,
  violate: Violate,
  /** Time that passes, and what clocks show, in milliseconds. */
  time: { elapsed(): number; now(): number },
  /** How long something may wait at this time, in milliseconds. */
  patience: () => number,
  caps: Caps,
): CommitCheck {
  /** Since when it waits, in time that passes: when it is due, if that is to come. */
  let waiting: { what: string; since: number; works: string[] } | null = null;
  return () => {
    const elapsed = time.elapsed();
    // What has just been started may have waited for too long.
    if (waiting && elapsed - waiting.since > patience()) {
      violate("waits though there is room", waiting.what);
    }
    const entry = firstWithRoom(mirror, caps);
    const toCome = entry === null ? 0 : Math.max(0, entry.dueAt - time.now());
    if (entry === null) {
      waiting = null;
      return;
    }
    // Where works keep coming there is always one that waits, and never the same.
    const works = entry.works as string[];
    const isSame = works.some((workId) => waiting?.works.includes(workId));
    if (!waiting || !isSame || toCome > 0 || waiting.since > elapsed) {
      const what = `entry ${entry._id}`;
      waiting = { what, since: elapsed + toCome, works };
    }
  };
}

/**
 * How long reports take of late: while one drives the loop, the callbacks in it hold
 * the loop up for as long as they take.
 */
export class ReportTimes implements RunListener {
  private readonly open = new Map<Run, number>();
  private last = { ms: 0, endedAt: -Infinity };

  constructor(private readonly elapsed: () => number) {}

  onBegin(run: Run): void {
    if (run.kind === "report") this.open.set(run, this.elapsed());
  }

  onEnd(run: Run): void {
    const beganAt = this.open.get(run);
    if (beganAt === undefined) return;
    this.open.delete(run);
    const endedAt = this.elapsed();
    const ms = Math.max(endedAt - beganAt, this.longest);
    this.last = { ms, endedAt };
  }

  /** In milliseconds, of one that runs or has just ended. */
  get longest(): number {
    const now = this.elapsed();
    let ms = now - this.last.endedAt < PROMPT_MS ? this.last.ms : 0;
    for (const [run, beganAt] of this.open) {
      if (run.isDead) this.open.delete(run);
      else ms = Math.max(ms, now - beganAt);
    }
    return ms;
  }
}

/** How many executors may accept work, and how many may be there. */
export interface Caps {
  accepting: number;
  inAll: number;
}

/**
 * The entry that is due first, if there is room for one. Left out are those that wait
 * for an executor of their own, and a few slots that are free while all that accept
 * work are there: one of these takes them when it reports.
 */
function firstWithRoom(mirror: Mirror, caps: Caps): StoredRow | null {
  const living = [...mirror.rows("executor")].filter(
    ({ state }) => state.kind !== "done",
  );
  const accepting = living.filter(
    ({ state, role }) => state.kind === "open" && role !== "long",
  );
  if (living.length >= caps.inAll) return null;
  if (accepting.length >= caps.accepting) return null;
  const stats = new Map(
    [...mirror.rows("executorStats")].map((row) => [row.executorId, row]),
  );
  const assigned = new Map<string, StoredRow>(
    mirror
      .single("loopState")
      ?.assigned.map((each: StoredRow) => [each.executorId, each]),
  );
  let inFlight = 0;
  for (const executor of living) {
    const { _id } = executor;
    inFlight += inFlightAt(executor, stats.get(_id), assigned.get(_id));
  }
  if (inFlight >= mirror.limit) return null;
  let first: StoredRow | null = null;
  for (const entry of mirror.rows("pendingStart")) {
    if (entry.kind === "isolated" || entry.kind === "long") continue;
    if (first === null || entry.dueAt < first.dueAt) first = entry;
  }
  return first;
}

/**
 * Every work is in exactly one place, every row belongs to something, and what
 * the loop counts is what there is.
 */
import type { Mirror, StoredRow } from "../mirror.js";
import type { CommitCheck, Violate } from "./check.js";
import { inFlightAt } from "./inFlight.js";

export function checkPlaces(mirror: Mirror, violate: Violate): CommitCheck {
  return () => {
    const places = new Places(mirror, violate);
    places.entries();
    places.handOvers();
    places.works();
    places.payloads();
    places.outcomes();
  };
}

class Places {
  /** Of each work. */
  private readonly found = new Map<string, string[]>();

  constructor(
    private readonly mirror: Mirror,
    private readonly violate: Violate,
  ) {}

  private put(workId: string, place: string): void {
    const places = this.found.get(workId);
    if (places) places.push(place);
    else this.found.set(workId, [place]);
  }

  entries(): void {
    for (const { _id, works } of this.mirror.rows("pendingStart")) {
      if (works.length === 0) this.violate("empty entry", _id);
      for (const workId of works) {
        this.put(workId, `entry ${_id}`);
        const work = this.mirror.work(workId);
        if (!work || work.canceled) {
          const what = work ? "canceled" : "ended";
          this.violate(`${what} work in the queue`, `${workId} in ${_id}`);
        }
      }
    }
  }

  handOvers(): void {
    const { mirror, violate } = this;
    const handOvers = groupBy(mirror.rows("running"), "executorId");
    const stats = groupBy(mirror.rows("executorStats"), "executorId");
    const assigned = new Map<string, StoredRow>(
      mirror
        .single("loopState")
        ?.assigned.map((each: StoredRow) => [each.executorId, each]),
    );
    for (const executor of mirror.rows("executor")) {
      const { _id, state } = executor;
      const known = assigned.get(_id);
      if (!known) violate("executor nobody knows", _id);
      assigned.delete(_id);
      if (state.kind === "done") continue;
      const [own, ...more] = stats.get(_id) ?? [];
      if (more.length > 0) violate("two rows of statistics", _id);
      stats.delete(_id);
      const held = this.held(executor, own, handOvers.get(_id) ?? []);
      handOvers.delete(_id);
      const counted = inFlightAt(executor, own, known);
      if (counted !== held) {
        violate(
          "wrong count of works in flight",
          `${_id}: the loop counts ${counted}, there are ${held}`,
        );
      }
    }
    for (const id of assigned.keys()) violate("executor that is gone", id);
    for (const id of stats.keys()) violate("statistics of nobody", id);
    for (const id of handOvers.keys()) violate("hand-over to nobody", id);
  }

  /** Puts what an executor has; returns how many works. */
  private held(
    executor: StoredRow,
    stats: StoredRow | undefined,
    handOvers: StoredRow[],
  ): number {
    const { _id, first } = executor;
    const rows = new Map(handOvers.map((row) => [row._id, row]));
    const delivered = new Set<string>();
    let held = 0;
    const open: { runningId: string | null; left: number[] }[] =
      stats?.open ??
      (first.length > 0
        ? [
            {
              runningId: null,
              left: first.map((_: string, index: number) => index),
            },
          ]
        : []);
    for (const { runningId, left } of open) {
      const row = runningId === null ? null : rows.get(runningId);
      if (row === undefined) {
        this.violate("open hand-over that is gone", `${runningId} of ${_id}`);
        continue;
      }
      if (runningId !== null) delivered.add(runningId);
      for (const position of left) {
        const workId = row ? row.works[position - row.first] : first[position];
        held += 1;
        // Its time is over, and its work has gone on without it.
        if (stats?.over?.includes(position)) continue;
        const since = row ? row._creationTime : executor.startedAt;
        if (this.hasGoneOn(workId, since)) continue;
        this.put(workId, `position ${position} of executor ${_id}`);
      }
    }
    const cursor = stats?.cursor ?? first.length;
    for (const row of handOvers) {
      if (row.first >= cursor) {
        for (const workId of row.works) {
          held += 1;
          if (this.hasGoneOn(workId, row._creationTime)) continue;
          this.put(workId, `hand-over ${row._id} to executor ${_id}`);
        }
      } else if (!delivered.has(row._id)) {
        this.violate("hand-over that is over", `${row._id} of ${_id}`);
      }
    }
    return held;
  }

  /** It went back to the queue since, and no report knows yet: see `loop/positions.ts`. */
  private hasGoneOn(workId: string, since: number): boolean {
    return (this.mirror.get("work", workId)?.backAt ?? 0) > since;
  }

  works(): void {
    for (const work of this.mirror.works()) {
      const { _id, follows } = work;
      const places = this.found.get(_id);
      if (follows !== undefined) {
        if (places) this.violate("follower in the queue", `${_id}: ${places}`);
        if (this.mirror.work(follows)?.followedBy !== _id) {
          this.violate("follower of nobody", _id);
        }
      } else if (places === undefined)
        this.violate("work that is nowhere", _id);
      else if (places.length > 1) {
        this.violate("work in two places", `${_id}: ${places.join(", ")}`);
      }
    }
  }

  payloads(): void {
    const { mirror } = this;
    if (mirror.count("payload") === 0) return;
    const wanted = new Set<string | undefined>();
    for (const { argsId, onComplete } of mirror.rows("work")) {
      wanted.add(argsId).add(onComplete?.contextId);
    }
    for (const { resultId, callback } of mirror.rows("complete")) {
      wanted.add(resultId).add(callback?.contextId);
    }
    for (const { _id } of mirror.rows("payload")) {
      if (!wanted.has(_id)) this.violate("payload of nobody", _id);
    }
    for (const id of wanted) {
      if (id !== undefined && !mirror.get("payload", id)) {
        this.violate("payload that is gone", id);
      }
    }
  }

  outcomes(): void {
    const kinds = new Map<string, string>();
    for (const { workId, result } of this.mirror.rows("complete")) {
      if (kinds.has(workId)) this.violate("two outcomes", workId);
      kinds.set(workId, result.kind);
      if (this.mirror.work(workId)) {
        this.violate("outcome of a work that goes on", workId);
      }
    }
    for (const { _id, endedAt } of this.mirror.rows("work")) {
      if (endedAt !== undefined && kinds.get(_id) !== "failed") {
        this.violate("ended work without its outcome", _id);
      }
    }
  }
}

function groupBy(
  rows: Iterable<StoredRow>,
  field: string,
): Map<string, StoredRow[]> {
  const groups = new Map<string, StoredRow[]>();
  for (const row of rows) {
    const group = groups.get(row[field]);
    if (group) group.push(row);
    else groups.set(row[field], [row]);
  }
  return groups;
}

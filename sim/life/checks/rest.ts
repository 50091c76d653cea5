/** What is left over, at rest and on the way, of what only some works have; and what waits too long. */
import type { Violate } from "../../checks/check.js";
import type { Mirror } from "../../mirror.js";

/** As docs/time-and-errors.md has it, and a few seconds. */
const EXPIRED_MS = 15_000 + 5_000;

/** After each commit: nobody has progress who is over. */
export function checkProgress(mirror: Mirror, violate: Violate): void {
  for (const { workId } of mirror.rows("progress")) {
    if (!mirror.work(workId)) violate("progress of nobody", workId);
  }
}

/** Where nothing goes wrong: what may not begin any more, or says nothing any more, ends in time. */
export function checkExpired(
  mirror: Mirror,
  violate: Violate,
  now: number,
): void {
  for (const { _id, startBy = Infinity } of mirror.rows("pendingStart")) {
    if (now - startBy > EXPIRED_MS) violate("expired, and waits", _id);
  }
  for (const { workId, freezesAt = Infinity } of mirror.rows("progress")) {
    if (now - freezesAt > EXPIRED_MS) violate("frozen, and runs", workId);
  }
}

/** At rest. Rows of unique keys may be left: they are swept later. */
export function checkRemains(mirror: Mirror, violate: Violate): void {
  for (const table of ["progress", "operation", "notice"]) {
    if (mirror.count(table) > 0) violate("rows left over", table);
  }
  const known = new Set([...mirror.rows("complete")].map((row) => row.workId));
  for (const { workId } of mirror.rows("tag")) {
    if (!known.has(workId)) violate("tag of nobody", workId);
  }
}

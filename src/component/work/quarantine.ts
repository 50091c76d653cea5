/**
 * Works of which one may have exhausted its executor's memory run apart from others,
 * in halves: a few deaths tell which one it is. Pure.
 */
import type { Requeued } from "../queue/entries.js";
import { SECOND } from "../shared.js";

/** Works that are retried within this time of each other may as well wait for each other. */
const TOGETHER_MS = 15 * SECOND;

/** One alone runs alone; of more, each half is a group that shares an executor. */
export function inHalves(suspects: readonly Requeued[]): Requeued[] {
  if (suspects.length === 1) {
    return suspects.map((item) => apart(item, true));
  }
  const sorted = [...suspects].sort((a, b) => a.dueAt! - b.dueAt!);
  const middle = Math.ceil(sorted.length / 2);
  return [sorted.slice(0, middle), sorted.slice(middle)].flatMap((half) => {
    if (half.length === 0) return [];
    const isolate = half.length === 1 ? true : crypto.randomUUID();
    const last = half.at(-1)!.dueAt!;
    const together = last - half[0]!.dueAt! <= TOGETHER_MS;
    return half.map((item) => ({
      ...apart(item, isolate),
      ...(together ? { dueAt: last } : {}),
    }));
  });
}

function apart(item: Requeued, isolate: boolean | string): Requeued {
  return { ...item, patch: { ...item.patch, isolate } };
}

/**
 * Which waiting works go to which executor. Pure: plain data in, plain data out.
 *
 * Which works, in which order, is `admit.ts`; where there is room for the next, `room.ts`.
 */
import type { Caps, ExecutorView } from "./lease.js";
import type { Target } from "./lane.js";
import { type Asked, type NewExecutor, Room } from "./room.js";
import type { WaitingEntry } from "./admit.js";

export type Plan = {
  /** In starting order: how many works of which entry go where. */
  pieces: { entryId: string; works: number; target: Target }[];
  newExecutors: NewExecutor[];
  /** Executors whose lease changes: widened, or cut down to what they have. */
  leases: { id: string; width: number }[];
  /** Whether something waits that found no place. */
  leftOver: boolean;
  /**
   * Whether long or isolated works do. They may wait for an executor to end while
   * others find room; the watchdog looks after them.
   */
  apartWaits: boolean;
};

/** @param entries - Ordinary and long ones, the oldest first. */
export function plan(
  limit: number,
  caps: Caps,
  executors: readonly ExecutorView[],
  entries: readonly WaitingEntry[],
  isolated: readonly WaitingEntry[],
  { favored = null, impatient = false, refills = false }: Partial<Asked> = {},
): Plan {
  const long = worksOf(entries.filter(({ kind }) => kind === "long"));
  const waiting = { long, ordinary: worksOf(entries) - long };
  const room = new Room(limit, caps, executors, waiting, {
    favored,
    impatient,
    refills,
  });
  const pieces: Plan["pieces"] = [];
  let leftOver = false;
  let apartWaits = false;
  // Isolated works first: they have waited longest.
  for (const entry of [...isolated, ...entries]) {
    if (place(entry, room, pieces)) continue;
    if (entry.kind === "long" || entry.kind === "isolated") {
      apartWaits = true;
      continue;
    }
    // Nothing overtakes an ordinary work that waits.
    leftOver = true;
    break;
  }
  const { newExecutors, leases } = room;
  return { pieces, newExecutors, leases, leftOver, apartWaits };
}

/** Adds where the works of an entry go. @returns whether there was room for all of them. */
function place(
  entry: WaitingEntry,
  room: Room,
  pieces: Plan["pieces"],
): boolean {
  let works = entry.works;
  while (works > 0) {
    const taken = room.take(entry.kind, works);
    if (!taken) return false;
    const { target } = taken;
    pieces.push({ entryId: entry.id, works: taken.works, target });
    works -= taken.works;
  }
  return true;
}

function worksOf(entries: readonly WaitingEntry[]): number {
  return entries.reduce((sum, { works }) => sum + works, 0);
}

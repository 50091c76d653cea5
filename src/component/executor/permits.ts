/**
 * How many actions and how many transactions an executor may have in flight, beside its lease: each takes a
 * permit of the deployment, which the app's own functions need, too. Plain data.
 *
 * - Of transactions, as many as the class has room for (`loop/classRoom.ts`).
 * - When the platform refuses a call since no permit came free, what may be in flight of its kind is halved: others
 *   want the permits. A call that began before was refused for the same reason, and does not halve again.
 * - Without a further refusal it rises by one every {@link RISE_MS}, until the lease alone bounds it.
 *
 * Each executor does so by what it meets itself, and each pool of a deployment with it: nothing is shared.
 */
import type { FnType, Halved } from "../shared.js";

/** What takes a permit of its own kind: a query runs in a mutation. */
export type CallKind = "action" | "transaction";

export function kindOf(fnType: FnType): CallKind {
  return fnType === "action" ? "action" : "transaction";
}

/**
 * A transaction waits five seconds for its permit, and an action ten: with a faster rise many more would have begun
 * before the first of them is refused.
 */
export const RISE_MS = 5_000;

/** Half of what was in flight, and when that last changed. */
type Bound = { most: number; since: number; halvedAt: number };

const KINDS = ["action", "transaction"] as const;

export class Permits {
  private readonly inFlight = { action: 0, transaction: 0 };
  private readonly bounds: { [K in CallKind]?: Bound } = {};
  private width = 0;
  private readonly shares = { action: Infinity, transaction: Infinity };

  /** @param share - Of transactions, as many as the class has room for. Undefined: as many as the lease allows. */
  lease(width: number, share: number | undefined): void {
    this.width = width;
    this.shares.transaction = share ?? Infinity;
  }

  begin(kind: CallKind): void {
    this.inFlight[kind] += 1;
  }

  end(kind: CallKind): void {
    this.inFlight[kind] -= 1;
  }

  /** Whether one more may begin, the lease left aside. */
  hasRoom(kind: CallKind): boolean {
    const most = this.bounds[kind]?.most ?? Infinity;
    return this.inFlight[kind] < Math.min(most, this.shares[kind]);
  }

  /**
   * A call that began at `beganAt` found no permit.
   *
   * @returns how many may be in flight of its kind from now on. Null: nothing changes.
   */
  refused(kind: CallKind, beganAt: number, now: number): number | null {
    const bound = this.bounds[kind];
    if (bound && beganAt <= bound.halvedAt) {
      bound.since = now;
      return null;
    }
    // Only a report was refused, and there is nothing to halve.
    if (this.inFlight[kind] === 0) return null;
    // More than the bound may be in flight: what began before it, and tries again.
    const counted = Math.min(this.inFlight[kind], bound?.most ?? Infinity);
    const most = Math.max(1, Math.floor(counted / 2));
    this.bounds[kind] = { most, since: now, halvedAt: now };
    return most;
  }

  /** Lets bounds rise by the time that passed. @returns the kinds that are not bounded any more. */
  rise(now: number): CallKind[] {
    return KINDS.filter((kind) => {
      const bound = this.bounds[kind];
      if (!bound) return false;
      const steps = Math.floor((now - bound.since) / RISE_MS);
      bound.most += steps;
      bound.since += steps * RISE_MS;
      if (bound.most < Math.min(this.width, this.shares[kind])) return false;
      delete this.bounds[kind];
      return true;
    });
  }

  /** Milliseconds until a bound rises. */
  untilRise(now: number): number {
    return Math.min(
      ...KINDS.map((kind) => {
        const bound = this.bounds[kind];
        return bound ? Math.max(0, bound.since + RISE_MS - now) : Infinity;
      }),
    );
  }

  /** Undefined: nothing is halved. */
  get halved(): Halved | undefined {
    const halved: Halved = {};
    for (const kind of KINDS) {
      const bound = this.bounds[kind];
      if (bound) halved[kind] = bound.most;
    }
    return Object.keys(halved).length > 0 ? halved : undefined;
  }
}

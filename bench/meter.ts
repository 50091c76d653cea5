/** What the handlers themselves say: when each job was enqueued, began and ended. */
import type { FunctionAddress } from "../embedded/src/runtime/types.js";
import type { JSONValue } from "../embedded/src/storage/types.js";

/** The functions that do jobs: called by the components, and written by hand. */
const ACTIONS = new Set([
  "jobs:action",
  "byHand:action",
  "fan:handler",
  "life:attached",
  "life:suspending",
]);
const MUTATIONS = new Set(["jobs:mutation", "byHand:mutation"]);

function isAction({ component, name }: FunctionAddress): boolean {
  return component === "" && ACTIONS.has(name);
}

function isHandler(address: FunctionAddress): boolean {
  const { component, name } = address;
  return isAction(address) || (component === "" && MUTATIONS.has(name));
}

export interface JobTimes {
  /** From when it may run: the commit of its enqueue, or its due time. */
  ready: number | null;
  starts: number[];
  ends: number[];
}

export class Meter {
  readonly jobs = new Map<number, JobTimes>();
  /** When functions of the user's own began, by id. */
  readonly neighbours = new Map<number, number>();
  inFlight = 0;
  maxInFlight = 0;
  /** Slots in use: from the call of an action to its return, and while a mutation runs. */
  #slots = 0;
  started = 0;
  ended = 0;
  lastEnd: number | null = null;
  /** Of job-milliseconds, up to the last change. */
  #busy = 0;
  #changed = 0;
  #firstTake: number | null = null;
  #lastTake = 0;
  #busyAtLastTake = 0;
  readonly #waiting = new Set<{ holds: () => boolean; resolve: () => void }>();

  constructor(private readonly now: () => number) {}

  /** The deployment's observer of calls: from here on an action takes a slot. */
  onCall(address: FunctionAddress): (() => void) | null {
    return isAction(address) ? this.#takeSlot() : null;
  }

  /** The deployment's observer of runs. */
  onRun(
    address: FunctionAddress,
    args: JSONValue,
  ): ((killed?: boolean) => void) | null {
    if (address.component !== "") return null;
    const { id } = args as { id: number };
    if (address.name === "neighbours:scheduled") {
      this.neighbours.set(id, this.now());
      return null;
    }
    if (!isHandler(address)) return null;
    const free = MUTATIONS.has(address.name) ? this.#takeSlot() : () => {};
    this.#begin(id);
    let over = false;
    return (killed = false) => {
      if (!over && killed) this.#lose();
      else if (!over) this.#end(id);
      over = true;
      free();
    };
  }

  /** The process died: what ran will never end. */
  died(): void {
    this.#integrate();
    this.inFlight = 0;
    this.#slots = 0;
  }

  job(id: number): JobTimes {
    let job = this.jobs.get(id);
    if (job === undefined) {
      job = { ready: null, starts: [], ends: [] };
      this.jobs.set(id, job);
    }
    return job;
  }

  /** Slots in use now. */
  get slots(): number {
    return this.#slots;
  }

  /** Slot-milliseconds so far. */
  busy(): number {
    this.#integrate();
    return this.#busy;
  }

  /** Resolves as soon as `holds` does; looked at whenever a job takes its slot, begins, ends or dies. */
  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.add({ holds, resolve }));
  }

  /**
   * The share of `slots` in use from the first call of a handler to the last:
   * while jobs were waiting. Null when that is no time at all.
   */
  utilization(slots: number): number | null {
    const span = this.#lastTake - (this.#firstTake ?? this.#lastTake);
    return span <= 0 ? null : this.#busyAtLastTake / (slots * span);
  }

  /** Milliseconds from when each job might run until it first did, in order. */
  startLatencies(): number[] {
    const latencies: number[] = [];
    for (const { ready, starts } of this.jobs.values()) {
      if (ready !== null && starts.length > 0) {
        latencies.push(starts[0]! - ready);
      }
    }
    return latencies.sort((a, b) => a - b);
  }

  /** @returns what frees it. */
  #takeSlot(): () => void {
    this.#integrate();
    this.#firstTake ??= this.now();
    this.#lastTake = this.now();
    this.#busyAtLastTake = this.#busy;
    this.#slots++;
    this.#tell();
    let taken = true;
    return () => {
      if (!taken) return;
      this.#integrate();
      this.#slots--;
      taken = false;
    };
  }

  #begin(id: number): void {
    this.job(id).starts.push(this.now());
    this.started++;
    this.inFlight++;
    this.maxInFlight = Math.max(this.maxInFlight, this.inFlight);
    this.#tell();
  }

  #end(id: number): void {
    const now = this.now();
    this.job(id).ends.push(now);
    this.lastEnd = now;
    this.ended++;
    this.inFlight--;
    this.#tell();
  }

  /** A handler was killed: that is no end. */
  #lose(): void {
    this.inFlight--;
    this.#tell();
  }

  #integrate(): void {
    const now = this.now();
    this.#busy += this.#slots * (now - this.#changed);
    this.#changed = now;
  }

  #tell(): void {
    for (const waiting of this.#waiting) {
      if (!waiting.holds()) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }
}

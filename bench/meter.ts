/** What the handlers themselves say: when each job was enqueued, began and ended. */
import type { FunctionAddress } from "../embedded/src/runtime/types.js";
import type { JSONValue } from "../embedded/src/storage/types.js";

/** The functions that do jobs: called by the components, and written by hand. */
const HANDLERS = new Set([
  "jobs:action",
  "jobs:mutation",
  "byHand:action",
  "byHand:mutation",
]);

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
  started = 0;
  ended = 0;
  firstStart: number | null = null;
  lastStart: number | null = null;
  lastEnd: number | null = null;
  /** Of job-milliseconds, up to the last change. */
  #busy = 0;
  #changed = 0;
  #busyAtLastStart = 0;
  readonly #waiting = new Set<{ holds: () => boolean; resolve: () => void }>();

  constructor(private readonly now: () => number) {}

  /** The deployment's observer. */
  onRun(address: FunctionAddress, args: JSONValue): (() => void) | null {
    if (address.component !== "") return null;
    const { id } = args as { id: number };
    if (address.name === "jobs:neighbour") {
      this.neighbours.set(id, this.now());
      return null;
    }
    if (!HANDLERS.has(address.name)) return null;
    this.#begin(id);
    let over = false;
    return () => {
      if (!over) this.#end(id);
      over = true;
    };
  }

  /** The process died: what ran will never end. */
  died(): void {
    this.#integrate();
    this.inFlight = 0;
  }

  job(id: number): JobTimes {
    let job = this.jobs.get(id);
    if (job === undefined) {
      job = { ready: null, starts: [], ends: [] };
      this.jobs.set(id, job);
    }
    return job;
  }

  /** Resolves as soon as `holds` does; looked at whenever a job begins or ends. */
  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.add({ holds, resolve }));
  }

  /**
   * The share of `slots` in use from the first start to the last: while jobs
   * were waiting. Null when that is no time at all.
   */
  utilization(slots: number): number | null {
    if (this.firstStart === null) return null;
    const span = this.lastStart! - this.firstStart;
    return span <= 0 ? null : this.#busyAtLastStart / (slots * span);
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

  #begin(id: number): void {
    this.#integrate();
    const now = this.now();
    this.job(id).starts.push(now);
    this.firstStart ??= now;
    this.lastStart = now;
    this.#busyAtLastStart = this.#busy;
    this.started++;
    this.inFlight++;
    this.maxInFlight = Math.max(this.maxInFlight, this.inFlight);
    this.#tell();
  }

  #end(id: number): void {
    this.#integrate();
    const now = this.now();
    this.job(id).ends.push(now);
    this.lastEnd = now;
    this.ended++;
    this.inFlight--;
    this.#tell();
  }

  #integrate(): void {
    const now = this.now();
    this.#busy += this.inFlight * (now - this.#changed);
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

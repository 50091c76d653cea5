/**
 * The next jobs to look at, over all components, in order of time. A stretch of
 * the index is read at once and kept: with many jobs running, whose rows stay at
 * the front of the index until they commit, every single look would otherwise
 * pass over all of them.
 */
import type { RuntimeContext } from "../runtime/context.js";
import { BY_NEXT_TIME, JOBS_TABLE, parseJob, type Job } from "./jobs.js";

/** Jobs read ahead per component, beyond those that are running. */
const READ_AHEAD = 64;

export class ReadyQueue {
  private jobs: Job[] = [];
  private position = 0;
  /** Everything due before this is in `jobs`; null: the index must be read again. */
  private completeUntil: number | null = null;

  constructor(private readonly context: RuntimeContext) {}

  /** A commit brought a job, or moved it to another time. */
  added(nextTime: number): void {
    if (this.completeUntil !== null && nextTime <= this.completeUntil) {
      this.completeUntil = null;
    }
  }

  /** The job with the least time that is not running, or null. */
  next(running: ReadonlySet<string>): Job | null {
    for (;;) {
      if (this.completeUntil === null) this.read(running);
      while (this.position < this.jobs.length) {
        const job = this.jobs[this.position++]!;
        if (!running.has(job.id)) return job;
      }
      if (this.completeUntil === Infinity) return null;
      this.completeUntil = null;
    }
  }

  putBack(job: Job): void {
    if (this.jobs[this.position - 1] === job) this.position--;
    else this.completeUntil = null;
  }

  private read(running: ReadonlySet<string>): void {
    const transaction = this.context.database.begin({
      limits: {
        documentsRead: Infinity,
        bytesRead: Infinity,
        databaseQueries: Infinity,
      },
    });
    const jobs: Job[] = [];
    let completeUntil = Infinity;
    for (const namespace of Object.keys(this.context.getApp().components)) {
      const scan = transaction.scan(namespace, {
        table: JOBS_TABLE,
        index: BY_NEXT_TIME,
        range: [{ type: "Gt", fieldPath: "nextTime", value: null }],
        order: "asc",
      });
      let found = 0;
      for (let row = scan.next(); row !== null; row = scan.next()) {
        if (running.has(row.id)) continue;
        const job = parseJob(namespace, row);
        jobs.push(job);
        if (++found === READ_AHEAD) {
          completeUntil = Math.min(completeUntil, job.nextTime!);
          break;
        }
      }
    }
    // What lies behind the first stretch that was cut off waits for the next reading.
    this.jobs = jobs
      .filter((job) => job.nextTime! <= completeUntil)
      .sort((a, b) => a.nextTime! - b.nextTime!);
    this.position = 0;
    this.completeUntil = completeUntil;
  }
}

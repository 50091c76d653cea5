/**
 * Starts scheduled functions when they are due: in the order of their time, as
 * many at once as the deployment's class allows. It sleeps until a commit brings
 * a job or the next one is due; an idle deployment does nothing.
 *
 * What was running when a process died is found again by the same reading:
 * mutations have left no trace and simply run; actions were committed as
 * inProgress and are marked failed, never run twice.
 */
import {
  findFunction,
  displayPath,
  inComponent,
  typeName,
} from "../runtime/app.js";
import { delay, type RuntimeContext } from "../runtime/context.js";
import { FunctionError, SystemError } from "../runtime/errors.js";
import type { Executor } from "../runtime/executor.js";
import { asFailure, type Invocation } from "../runtime/invocation.js";
import { backoffMs } from "../runtime/limits.js";
import { ProcessDeath, TRANSIENT_ERROR } from "../runtime/life.js";
import { CallLog } from "../runtime/log.js";
import { systemRequest } from "../runtime/runner.js";
import type { Timer } from "../seams.js";
import {
  type CommittedWrites,
  StorageError,
  type Transaction,
} from "../storage/types.js";
import { removeOldRecords } from "./cleanup.js";
import {
  finishJob,
  isFinished,
  JOBS_TABLE,
  stateOf,
  type Job,
  type JobState,
} from "./jobs.js";
import { ReadyQueue } from "./readyQueue.js";

/** How long a job waits of which nothing can be written down, for want of room on the disk. */
const UNWRITABLE_RETRY_MS = 1_000;

/** Looking for records past their retention costs little, but not nothing. */
const CLEANUP_INTERVAL_MS = 60 * 60_000;

export class Scheduler {
  private readonly queue: ReadyQueue;
  private readonly running = new Set<string>();
  private unsubscribe: (() => void) | null = null;
  /** The next look: about to happen, or at the next due time. */
  private look: { at: number; timer: Timer } | null = null;
  private nextCleanup = 0;

  constructor(
    private readonly context: RuntimeContext,
    private readonly executor: Executor,
    private readonly slots: number,
  ) {
    this.queue = new ReadyQueue(context);
  }

  start(): void {
    if (this.unsubscribe !== null) return;
    this.unsubscribe = this.context.database.onCommit((commit) =>
      this.onCommit(commit),
    );
    this.lookAt(this.context.clock.now());
  }

  /** Nothing is started from here on; what runs goes on. */
  stop(): void {
    this.unsubscribe?.();
    this.unsubscribe = null;
    this.look?.timer.cancel();
    this.look = null;
  }

  private onCommit(commit: CommittedWrites): void {
    let earliest = Infinity;
    for (const { table, after } of commit.writes) {
      if (table !== JOBS_TABLE || after === null) continue;
      const nextTime = after.value.nextTime;
      if (typeof nextTime !== "number") continue;
      this.queue.added(nextTime);
      // Jobs that are running write their own rows.
      if (!this.running.has(after.id)) earliest = Math.min(earliest, nextTime);
    }
    if (earliest < Infinity) this.lookAt(earliest);
  }

  /** Looks for due jobs as soon as it can be known that `time` has come. */
  private lookAt(time: number): void {
    const { clock, latency } = this.context;
    this.lookBy(Math.max(time, clock.now()) + latency.schedulerPickupMs);
  }

  /** Looks for due jobs at `at`, or earlier if that is planned already. */
  private lookBy(at: number): void {
    if (this.look !== null) {
      if (this.look.at <= at) return;
      this.look.timer.cancel();
    }
    const { clock } = this.context;
    this.look = {
      at,
      timer: clock.schedule(at - clock.now(), () => {
        this.look = null;
        this.startDueJobs();
      }),
    };
  }

  private startDueJobs(): void {
    const now = this.context.clock.now();
    while (this.running.size < this.slots) {
      const job = this.queue.next(this.running);
      if (job === null) break;
      if (job.nextTime! > now) {
        this.queue.putBack(job);
        this.lookAt(job.nextTime!);
        break;
      }
      this.startJob(job);
    }
    this.cleanUp(now);
  }

  private startJob(job: Job): void {
    this.running.add(job.id);
    void this.execute(job)
      .catch((error: unknown) => this.retryLater(job, error))
      .catch(async (error: unknown) => {
        // Not even that could be written. The row is as it was, and due.
        this.report(`Scheduled function ${job.id} is taken up again`, error);
        await this.context.clock.sleep(UNWRITABLE_RETRY_MS);
        this.queue.added(job.nextTime!);
        return "look again";
      })
      .then((next) => {
        const wasFull = this.running.size >= this.slots;
        this.running.delete(job.id);
        // Who was waiting for a slot need not be noticed again.
        if ((wasFull || next !== undefined) && this.unsubscribe !== null) {
          this.lookBy(this.context.clock.now());
        }
      });
  }

  private async execute(job: Job): Promise<void> {
    const { context } = this;
    await delay(context.clock, context.latency.scheduledStartMs);
    const app = context.getApp();
    const info = findFunction(app, job.target);
    const path = displayPath(job.target.name);
    if (info === null) {
      return this.finish(
        job,
        failed(
          `Could not find function ${path}${inComponent(job.target.component)}. It was removed after it was scheduled.`,
        ),
      );
    }
    const invocation: Invocation = {
      app,
      address: job.target,
      args: job.args,
      caller: {
        kind: "scheduler",
        jobId: job.id,
        jobNamespace: job.namespace,
      },
      request: systemRequest(context, {
        id: job.id,
        namespace: job.namespace,
      }),
      log: new CallLog(context),
    };
    switch (info.type) {
      case "mutation":
        return this.runMutation(job, invocation);
      case "action":
        return this.runAction(job, invocation);
      default:
        return this.finish(
          job,
          failed(
            `Unsupported function type. ${path}${inComponent(job.target.component)} is defined as a ${typeName(info.type)}. Only Mutation and Action can be scheduled.`,
          ),
        );
    }
  }

  /** Exactly once: the job's end is part of the mutation's own transaction. */
  private async runMutation(job: Job, invocation: Invocation): Promise<void> {
    const { clock, limits } = this.context;
    const run = await this.executor.mutation(
      invocation,
      {
        before: (transaction) => {
          const row = transaction.get(job.namespace, job.id);
          if (row === null || stateOf(row).kind !== "pending") {
            return {
              result: { ok: true, value: null },
              ts: transaction.beginTs,
            };
          }
          // Seen by the mutation itself only: the commit replaces it.
          setInProgress(transaction, job);
          return null;
        },
        after: (transaction) =>
          finishJob(transaction, job, { kind: "success" }, clock.now()),
      },
      limits.scheduledMutationRetry,
    );
    if (run.result.ok) return;
    const { error } = run.result;
    if (!(error instanceof FunctionError)) throw error;
    await this.finish(job, failed(error.display));
  }

  /**
   * At most once: committed as inProgress before it starts, and never started
   * from there. Whatever else than its own error ends it leaves it in that state,
   * to be found there a moment later.
   */
  private async runAction(job: Job, invocation: Invocation): Promise<void> {
    const before = await this.write((transaction) => {
      const row = transaction.get(job.namespace, job.id);
      if (row === null) return "gone";
      const { kind } = stateOf(row);
      if (kind === "pending") setInProgress(transaction, job);
      return kind;
    });
    if (before === "inProgress") {
      return this.finish(job, failed(TRANSIENT_ERROR));
    }
    if (before !== "pending") return;
    let state: JobState;
    try {
      await this.executor.action(invocation, "scheduled");
      state = { kind: "success" };
    } catch (error) {
      const failure = asFailure(error);
      if (!(failure instanceof FunctionError)) throw failure;
      state = failed(failure.display);
    }
    await this.finish(job, state);
  }

  private finish(job: Job, state: JobState): Promise<void> {
    return this.write((transaction) =>
      finishJob(transaction, job, state, this.context.clock.now()),
    );
  }

  /** After a failure of the deployment, not of the function. */
  private async retryLater(job: Job, error: unknown): Promise<"look again"> {
    if (!(error instanceof ProcessDeath)) {
      this.report(`Scheduled function ${job.id} will be tried again`, error);
    }
    const { clock, limits, randomness } = this.context;
    await this.write((transaction) => {
      const row = transaction.get(job.namespace, job.id);
      if (row === null || isFinished(stateOf(row))) return;
      const wait = backoffMs(
        limits.scheduledSystemErrorRetry,
        job.failures,
        randomness.next(),
      );
      transaction.patch(job.namespace, job.id, {
        failures: job.failures + 1,
        nextTime: clock.now() + wait,
      });
    });
    return "look again";
  }

  private write<T>(run: (transaction: Transaction) => T): Promise<T> {
    return this.executor.write(run, this.context.limits.scheduledMutationRetry);
  }

  /** After `stop` the database may be closed under what still runs: no news. Nor is a disk that the store has complained of. */
  private report(what: string, error: unknown): void {
    const cause = error instanceof SystemError ? error.cause : error;
    if (this.unsubscribe === null || cause instanceof StorageError) return;
    this.context.onInternalError(what, error);
  }

  private cleanUp(now: number): void {
    if (now < this.nextCleanup) return;
    this.nextCleanup = now + CLEANUP_INTERVAL_MS;
    void removeOldRecords(this.context, this.executor, now).catch(
      (error: unknown) => {
        this.report("Removing old scheduled functions failed", error);
      },
    );
  }
}

function setInProgress(transaction: Transaction, job: Job): void {
  transaction.patch(job.namespace, job.id, { state: { kind: "inProgress" } });
}

function failed(error: string): JobState {
  return { kind: "failed", error };
}

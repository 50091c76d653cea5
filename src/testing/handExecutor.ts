import type { FunctionArgs } from "convex/server";
import { internal } from "../component/_generated/api.js";
import type { Id } from "../component/_generated/dataModel.js";
import type { Attempt } from "../component/loop/attempt.js";
import {
  type AttemptResult,
  PROTOCOL_VERSION,
  type ReportArgs,
  type ReportReply,
} from "../component/executor/protocol.js";
import { DAY } from "../component/shared.js";
import type { ProtocolTest } from "./protocol.js";

type JobState = {
  kind: "pending" | "inProgress" | "success" | "failed" | "canceled";
  error?: string;
};

/** Beyond the time any test lets pass, and within what timers can do. */
export const STUB_DELAY_MS = 20 * DAY;

type ExecutorStart = FunctionArgs<typeof internal.executor.run.run>;

/** An executor played by the test: it reports what the test says. */
export class HandExecutor {
  private seq = 0;
  /** What it has: at first, what it was started with. */
  readonly held = new Map<number, Attempt>();
  /** How many handlers it may have in flight, as it was last told. */
  width: number;
  /** What its next reports say. Undefined: as in version 0.1, all that was delivered may have begun. */
  beginsBefore: number | undefined;
  private constructor(
    private readonly pool: ProtocolTest,
    readonly id: Id<"executor">,
    readonly start: ExecutorStart,
  ) {
    this.width = start.width;
    for (const attempt of start.attempts) {
      this.held.set(attempt.position, attempt);
    }
  }

  /** Puts the test in the place of the executor's scheduled function. */
  static async take(
    pool: ProtocolTest,
    id: Id<"executor">,
  ): Promise<HandExecutor> {
    const start = await pool.run(async (ctx) => {
      const { scheduledId } = (await ctx.db.get("executor", id))!;
      const job = await ctx.db.system.get("_scheduled_functions", scheduledId!);
      return job!.args[0] as ExecutorStart;
    });
    const hand = new HandExecutor(pool, id, start);
    await hand.becomes({ kind: "inProgress" });
    return hand;
  }

  /** What it has, in the order in which it got it. */
  attempts(): Attempt[] {
    return [...this.held.values()];
  }

  /** Sets the state of its scheduled function. Null: it is gone. */
  async becomes(state: JobState | null): Promise<void> {
    await this.pool.run(async (ctx) => {
      const { scheduledId } = (await ctx.db.get("executor", this.id))!;
      // Only a scheduled function in a far future can be given any state:
      // convex-test looks at it when its time has come.
      if (scheduledId) await ctx.db.delete(scheduledId as any);
      const stub = await ctx.scheduler.runAfter(
        STUB_DELAY_MS,
        internal.executor.run.run,
        this.start,
      );
      if (state) await ctx.db.patch(stub as any, { state } as any);
      else await ctx.db.delete(stub as any);
      await ctx.db.patch("executor", this.id, { scheduledId: stub });
    });
  }

  async send(args: Partial<ReportArgs>): Promise<ReportReply> {
    return await this.pool.t.mutation(internal.executor.report.report, {
      version: PROTOCOL_VERSION,
      executorId: this.id,
      incarnation: this.start.incarnation,
      seq: this.seq,
      results: [],
      holding: [...this.held.keys()],
      want: Math.max(0, this.width - this.held.size),
      wantBytes: 8_000_000,
      worksPerSlot: 1,
      ...(this.beginsBefore === undefined
        ? {}
        : { beginsBefore: this.beginsBefore }),
      closing: false,
      mayDrive: false,
      inlineCallbacks: true,
      ...args,
    });
  }

  /** A report as executors make them: what ended is no longer held, what came is. */
  async report(
    results: AttemptResult[] = [],
    args: Partial<ReportArgs> = {},
  ): Promise<ReportReply> {
    for (const { position } of results) this.held.delete(position);
    const reply = await this.send({ results, ...args });
    this.seq += 1;
    this.width = reply.width;
    for (const attempt of reply.next) {
      if (this.held.has(attempt.position)) {
        throw new Error(`Position ${attempt.position} was given out twice.`);
      }
      this.held.set(attempt.position, attempt);
    }
    return reply;
  }
  /** The last report once more, as after an answer that was lost. */
  again(args: Partial<ReportArgs>): Promise<ReportReply> {
    return this.send({ seq: this.seq - 1, ...args });
  }

  /** Its last report, when all it had has ended. */
  async leave(): Promise<void> {
    const { done } = await this.report([], { closing: true });
    if (!done) throw new Error("It is not allowed to leave yet.");
  }

  row = () => this.pool.run((ctx) => ctx.db.get("executor", this.id));
  stats = () =>
    this.pool.run((ctx) =>
      ctx.db
        .query("executorStats")
        .withIndex("by_executor", (q) => q.eq("executorId", this.id))
        .unique(),
    );
}

/** How an attempt ended, as an executor reports it. */
export function ended(
  { position, workId, fence }: Attempt,
  outcome: AttemptResult["outcome"] = { kind: "success", returnValue: "done" },
): AttemptResult {
  return { position, workId, fence, startedAt: Date.now(), outcome };
}
export const failure = (
  error = "Error: no luck",
): AttemptResult["outcome"] => ({ kind: "failed", error, retryable: true });

/** Reads how the pool is doing. Bounded: it looks at a page of each queue. */
import type { Doc } from "../_generated/dataModel.js";
import type { QueryCtx } from "../_generated/server.js";
import { callbackHealth, noticeHealth } from "./callbackHealth.js";
import { begunAt } from "./claims.js";
import { readSettings } from "../queue/configRow.js";
import { disagreementOf } from "../queue/declaration.js";
import { diagnose } from "./diagnose.js";
import { logLevelFromEnv } from "../env.js";
import { factsOf } from "./facts.js";
import { classRoomOf } from "../loop/classRoom.js";
import { look, type View } from "../loop/look.js";
import { executorViews, livingExecutors } from "../loop/executorViews.js";
import { committedAt, entryView, START } from "../loop/scan.js";
import { openWorks } from "../loop/positions.js";
import type { PoolHealth } from "./poolHealth.js";
import { deploymentClass } from "../platform.js";
import { overridesOf } from "../queue/settings.js";

/** Entries of one kind that are counted; beyond it the exact number matters to nobody. */
const MAX_COUNTED_ENTRIES = 256;

export async function poolHealth(
  ctx: QueryCtx,
  now: number,
): Promise<PoolHealth> {
  const view = await look(ctx, now, { entries: 1, arrivals: 1 });
  const { status, state, config } = view;
  const { transactions } = classRoomOf(await deploymentClass(ctx));
  const kind = status?.state.kind ?? "idle";
  const waits = kind === "running" || kind === "scheduled";
  const each = await executors(ctx, view);
  const sum = (count: "inFlight" | "running" | "claimed") =>
    each.reduce((total, executor) => total + executor[count], 0);
  const { callbacks, failing } = await callbackHealth(ctx);
  const { notices, failingNotice } = await noticeHealth(ctx);
  const settings = await readSettings(ctx);
  const found = {
    state: kind,
    maxParallelism: config.maxParallelism,
    limitInEffect: view.limit,
    transactionLimitInEffect: Math.min(view.limit, transactions),
    paused: config.maxParallelism === 0,
    overrides: overridesOf(settings, logLevelFromEnv()),
    lastTickAt: state?.lastTurnAt ?? null,
    nextTickAt: (waits && state?.nextTickAt) || null,
    ...(await waiting(ctx, view, now)),
    nextDueAt: view.nextDueAt,
    inFlight: sum("inFlight"),
    running: sum("running"),
    claimed: sum("claimed"),
    executors: each,
    fruitlessTicks: state?.reschedules ?? { count: 0, since: now },
    callbacks,
    notices,
    lacks: config.lacks,
    recovery: await recovery(ctx),
    quarantined: await quarantined(ctx, state?.scanFrom.isolated ?? 0),
    lastTakeoverAt: state?.lastTakeoverAt ?? null,
  };
  const findings = {
    ...found,
    validUntil: status?.validUntil ?? null,
    failing,
    failingNotice,
    disagreement: disagreementOf(settings, now),
    overriddenAt: settings.overriddenAt ?? null,
  };
  const problems = diagnose(findings, now);
  const facts = factsOf(findings);
  return { healthy: problems.length === 0, problems, facts, ...found };
}

async function waiting(
  ctx: QueryCtx,
  { state }: View,
  now: number,
): Promise<Pick<PoolHealth, "backlog" | "oldestWaitingSince">> {
  const { commitTs } = state?.ready ?? START;
  const ready = await ctx.db
    .query("pendingStart")
    .withIndex("by_arrival", (q) =>
      q.eq("kind", "ready").gte("commitTs", commitTs),
    )
    .take(MAX_COUNTED_ENTRIES);
  const due = [];
  for (const kind of ["later", "isolated", "long"] as const) {
    const from = state?.scanFrom[kind] ?? 0;
    due.push(
      await ctx.db
        .query("pendingStart")
        .withIndex("by_due", (q) =>
          q.eq("kind", kind).gte("dueAt", from).lte("dueAt", now),
        )
        .take(MAX_COUNTED_ENTRIES),
    );
  }
  const entries = [...ready, ...due.flat()];
  const since = [
    ...ready.map((entry) => Math.min(now, committedAt(entryView(entry)))),
    ...due.flat().map(({ dueAt }) => dueAt),
  ];
  return {
    backlog: {
      count: entries.reduce((sum, { works }) => sum + works.length, 0),
      isAtLeast: [ready, ...due].some(
        ({ length }) => length === MAX_COUNTED_ENTRIES,
      ),
    },
    oldestWaitingSince: since.length > 0 ? Math.min(...since) : null,
  };
}

async function executors(
  ctx: QueryCtx,
  view: View,
): Promise<PoolHealth["executors"]> {
  const views = executorViews(view);
  const found: PoolHealth["executors"] = [];
  for (const executor of livingExecutors(view)) {
    const { _id, startedAt, width } = executor;
    const own = views.find(({ id }) => id === _id)!;
    const begun = await begunAt(ctx, executor, async () => own.peak);
    const stats = view.stats.find(({ executorId }) => executorId === _id);
    // Handlers that run on after they timed out take slots like any other.
    const timedOut = stats?.over?.length ?? 0;
    const handlers = openWorks({ open: begun }) + timedOut;
    const running = Math.min(handlers, own.inFlight);
    found.push({
      state: await jobState(ctx, executor),
      startedAt,
      lastReportAt: stats?.lastReportAt ?? null,
      width,
      inFlight: own.inFlight,
      running,
      claimed: own.inFlight - running,
      timedOut,
      closing: own.closing,
      drives: _id === view.state?.turnBy,
      asleep: own.asleep,
      long: own.long,
      halved: stats?.halved ?? null,
    });
  }
  return found;
}

async function jobState(
  ctx: QueryCtx,
  { scheduledId }: Doc<"executor">,
): Promise<string | null> {
  const job =
    scheduledId &&
    (await ctx.db.system.get("_scheduled_functions", scheduledId));
  return job ? job.state.kind : null;
}

async function recovery(ctx: QueryCtx): Promise<PoolHealth["recovery"]> {
  const row = await ctx.db.query("recovery").first();
  if (row === null) return null;
  const { executors, works, failures } = row;
  return { executors: executors.length, worksAtATime: works, failures };
}

async function quarantined(
  ctx: QueryCtx,
  from: number,
): Promise<PoolHealth["quarantined"]> {
  const entries = await ctx.db
    .query("pendingStart")
    .withIndex("by_due", (q) => q.eq("kind", "isolated").gte("dueAt", from))
    .take(MAX_COUNTED_ENTRIES);
  return {
    count: entries.reduce((sum, { works }) => sum + works.length, 0),
    isAtLeast: entries.length === MAX_COUNTED_ENTRIES,
  };
}

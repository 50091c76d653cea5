/**
 * What runs in the deployment, seen from within: when a handler is called and
 * takes its slot, exactly when the code of a function begins and when it has
 * returned. And how it dies.
 */
import type {
  CallObserver,
  ObservedRun,
  RunObserver,
} from "../embedded/src/runtime/types.js";
import { COMPONENT, POOLS } from "./jobs.js";

type Kind = "handler" | "executor" | "report" | "tick";

export interface Run {
  kind: Kind;
  /** The path of the pool's component it belongs to. */
  pool: string;
  /** Of a handler's work; else the function's name. */
  key: string;
  isAction: boolean;
  /** The scheduled function it is part of. */
  scheduledId: string | null;
  /** Its process is gone, or counts as gone. A transaction may still commit. */
  isDead: boolean;
  kill: ObservedRun["kill"];
}

export interface RunListener {
  onBegin(run: Run): void;
  onEnd(run: Run): void;
}

/**
 * Told when an executor calls a work's handler: of its slot, which stays the same
 * when it tries a transaction again, and of how many such calls are under way.
 */
export type SlotListener = (slot: string, inFlight: number) => void;

/** An executor's call of a work's handler, from the call until its return. */
export interface HandlerCall {
  pool: string;
  /** Of the work, if it is an action; its id otherwise. */
  work: { key: string } | { workId: string };
  /** The scheduled function of the executor. */
  scheduledId: string;
}

export interface CallListener {
  onCall(call: HandlerCall): void;
  /** It returned, or its executor is gone. */
  onReturn(call: HandlerCall, isGone: boolean): void;
}

export class Runs {
  private readonly calls = new Set<HandlerCall>();
  private readonly live = new Set<Run>();
  /** Scheduled functions whose process is gone, or counts as gone. */
  private readonly ended = new Set<string>();
  private readonly disowned = new Set<string>();

  constructor(
    private readonly listeners: readonly RunListener[],
    private readonly onSlot: SlotListener,
    private readonly callListeners: readonly CallListener[] = [],
  ) {}

  readonly callObserver: CallObserver = (
    { component, name },
    args,
    scheduledId,
  ) => {
    if (scheduledId === null || this.isGone(scheduledId)) return null;
    const record = args as Record<string, any>;
    const handler = handlerOf(component, name, record);
    if (handler === null) return null;
    const call = { ...handler, scheduledId };
    this.calls.add(call);
    this.onSlot(`${slotOf(call, record)} in ${scheduledId}`, this.inFlight);
    for (const listener of this.callListeners) listener.onCall(call);
    return () => this.endCall(call, false);
  };

  readonly observer: RunObserver = (
    { component, name },
    args,
    { scheduledId, kill },
  ) => {
    const kind = kindOf(component, name);
    if (kind === null) return null;
    const run: Run = {
      kind,
      pool: component === "" ? poolOf(args as Record<string, any>) : component,
      key: kind === "handler" ? (args as { key: string }).key : name,
      isAction: kill !== null,
      scheduledId,
      isDead: scheduledId !== null && this.disowned.has(scheduledId),
      kill,
    };
    if (kind !== "executor" && scheduledId && this.ended.has(scheduledId)) {
      // Its executor's process is gone, and so is what it was about to start.
      run.isDead = true;
      kill?.("the caller is gone");
      return null;
    }
    this.live.add(run);
    for (const listener of this.listeners) listener.onBegin(run);
    return () => this.end(run);
  };

  /** Handlers that were called and are not over, by executors that have not died. */
  private get inFlight(): number {
    return this.calls.size;
  }

  private endCall(call: HandlerCall, isGone: boolean): void {
    if (!this.calls.delete(call)) return;
    for (const listener of this.callListeners) listener.onReturn(call, isGone);
  }

  /** Nobody waits for what it has called. */
  private endCallsOf(scheduledId: string): void {
    for (const call of this.calls) {
      if (call.scheduledId === scheduledId) this.endCall(call, true);
    }
  }

  private isGone(scheduledId: string): boolean {
    return this.ended.has(scheduledId) || this.disowned.has(scheduledId);
  }

  get executors(): Run[] {
    return [...this.live].filter(
      ({ kind, isDead }) => kind === "executor" && !isDead,
    );
  }

  countExecutors(pool: string): number {
    let count = 0;
    for (const run of this.live) {
      if (run.kind === "executor" && run.pool === pool && !run.isDead) count++;
    }
    return count;
  }

  /** The executor that runs the handler of this work. */
  executorWith(key: string): Run | undefined {
    const handler = [...this.live].find(
      (run) => run.kind === "handler" && run.key === key && !run.isDead,
    );
    return handler && this.executorOf(handler);
  }

  executorOf({ scheduledId }: Run): Run | undefined {
    return this.executors.find((each) => each.scheduledId === scheduledId);
  }

  /** The process of an action dies, and with it the actions that it called. */
  kill(run: Run, why: string): void {
    if (run.isDead || run.kill === null) return;
    run.isDead = true;
    if (run.kind === "executor") this.bury(run);
    run.kill(why);
  }

  /** Nobody counts with an executor any more, and what it does; but it goes on. */
  disown(executor: Run): void {
    this.disowned.add(executor.scheduledId!);
    this.endCallsOf(executor.scheduledId!);
    for (const run of this.live) {
      if (run.scheduledId === executor.scheduledId) run.isDead = true;
    }
  }

  /** The deployment's process died. */
  killAll(): void {
    for (const run of this.live) run.isDead = true;
    this.live.clear();
    for (const call of this.calls) this.endCall(call, true);
  }

  private end(run: Run): void {
    if (!this.live.delete(run)) return;
    if (run.kind === "executor") this.bury(run);
    for (const listener of this.listeners) listener.onEnd(run);
  }

  /** Calls live no longer than the action that made them. */
  private bury({ scheduledId }: Run): void {
    this.ended.add(scheduledId!);
    this.endCallsOf(scheduledId!);
    for (const run of this.live) {
      if (run.scheduledId !== scheduledId || run.kind === "executor") continue;
      run.isDead = true;
      run.kill?.("the caller is gone");
    }
  }
}

const HANDLER = /^(jobs|cornerJobs|cornerTransactions|lifeJobs):/;

const poolOf = ({ pool }: Record<string, any>): string =>
  (pool as string | undefined) ?? COMPONENT;

/** What is called by executors for a work: an action itself, or the transaction of a mutation or query. */
function handlerOf(
  component: string,
  name: string,
  args: Record<string, any>,
): Omit<HandlerCall, "scheduledId"> | null {
  if (component === "") {
    if (!HANDLER.test(name)) return null;
    return { pool: poolOf(args), work: { key: args.key as string } };
  }
  return POOLS.includes(component) && name === "executor/transaction:run"
    ? { pool: component, work: { workId: args.workId as string } }
    : null;
}

/** The same for every try of a transaction. */
function slotOf({ work }: HandlerCall, args: Record<string, any>): string {
  return "key" in work ? work.key : `${work.workId} (${args.fence})`;
}

function kindOf(component: string, name: string): Kind | null {
  if (component === "") return HANDLER.test(name) ? "handler" : null;
  if (!POOLS.includes(component)) return null;
  if (name === "executor/run:run") return "executor";
  if (name === "executor/report:report") return "report";
  return name === "loop/tick:tick" ? "tick" : null;
}

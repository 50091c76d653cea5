/**
 * Top-level executions: what clients, actions and the scheduler call. Each query
 * and mutation is a transaction of its own here; each takes a permit, is counted
 * and, in the case of mutations, repeated when it lost a race.
 */
import {
  WriteConflictError,
  type JSONValue,
  type Transaction,
  type Ts,
} from "../storage/types.js";
import { runAction, runHttpAction, type ActionCall } from "./actionFunction.js";
import { actionSyscall } from "./actionSyscalls.js";
import { moduleOf, requireFunction } from "./app.js";
import { delay, type RuntimeContext } from "./context.js";
import { FunctionError } from "./errors.js";
import {
  asFailure,
  conflictError,
  resolveCommitTs,
  type Executions,
  type Failure,
  type Invocation,
  type MutationRun,
  type Origin,
  type QueryRun,
  type Result,
  type TransactionHooks,
} from "./invocation.js";
import { backoffMs, type RetryPolicy } from "./limits.js";
import { Life } from "./life.js";
import { SeededGenerator } from "./random.js";
import { addUsage } from "./stats.js";
import { newJournal } from "./transactionCall.js";
import { runTransactionFunction } from "./transactionFunction.js";
import type { App, FunctionAddress, FunctionInfo } from "./types.js";
import {
  checkArguments,
  parseResult,
  returnsError,
  tableResolver,
} from "./validate.js";

export class Executor implements Executions {
  constructor(private readonly context: RuntimeContext) {}

  query(
    invocation: Invocation,
    options: { at?: Ts; journal?: string | null } = {},
  ): Promise<QueryRun> {
    return this.observed(invocation, () =>
      this.admitQuery(invocation, options),
    );
  }

  private async admitQuery(
    invocation: Invocation,
    options: { at?: Ts; journal?: string | null },
  ): Promise<QueryRun> {
    const { clock, database, latency, limits, permits } = this.context;
    let release: () => void;
    try {
      release = await permits.query.acquire(limits.transactionPermitWaitMs);
    } catch (error) {
      const { beginTs, readSet } = database.begin();
      return {
        result: this.failure(invocation, error),
        ts: beginTs,
        readSet,
        journal: null,
      };
    }
    try {
      await delay(clock, latency.queryMs);
      this.statsOf(invocation).calls++;
      const transaction = database.begin({
        limits: limits.transaction,
        ...(options.at === undefined ? {} : { at: options.at }),
      });
      const journal = newJournal(options.journal ?? null);
      const result = await this.attempt(invocation, () =>
        this.runIn(transaction, "query", invocation, journal),
      );
      this.count(invocation, transaction);
      return {
        result,
        ts: transaction.beginTs,
        readSet: transaction.readSet,
        journal: journal.nextEnd,
      };
    } finally {
      release();
    }
  }

  mutation(
    invocation: Invocation,
    hooks: TransactionHooks = {},
    retry: RetryPolicy = this.context.limits.mutationRetry,
  ): Promise<MutationRun> {
    return this.observed(invocation, () =>
      this.admitMutation(invocation, hooks, retry),
    );
  }

  private async admitMutation(
    invocation: Invocation,
    hooks: TransactionHooks,
    retry: RetryPolicy,
  ): Promise<MutationRun> {
    const { clock, database, latency, limits, permits } = this.context;
    let release: () => void;
    try {
      release = await permits.mutation.acquire(limits.transactionPermitWaitMs);
    } catch (error) {
      return {
        result: this.failure(invocation, error),
        ts: database.latestTs,
      };
    }
    try {
      await delay(clock, latency.mutationBeforeBeginMs);
      const run = await this.mutateWithRetries(invocation, hooks, retry);
      await delay(clock, latency.mutationAfterCommitMs);
      return run;
    } finally {
      release();
    }
  }

  private async mutateWithRetries(
    invocation: Invocation,
    hooks: TransactionHooks,
    retry: RetryPolicy,
  ): Promise<MutationRun> {
    const stats = this.statsOf(invocation);
    for (let failures = 0; ; failures++) {
      const log = invocation.log.attempt();
      const run = await this.mutateOnce(
        { ...invocation, log },
        hooks,
        failures === 0,
      );
      const final = !("conflict" in run) || failures >= retry.retries;
      if (final) invocation.log.keep(log);
      if (!("conflict" in run)) return run;
      stats.conflicts++;
      if (failures >= retry.retries) {
        return {
          result: this.failure(invocation, run.conflict),
          ts: run.ts,
        };
      }
      stats.retries++;
      const { clock, randomness } = this.context;
      await clock.sleep(backoffMs(retry, failures, randomness.next()));
    }
  }

  private async mutateOnce(
    invocation: Invocation,
    hooks: TransactionHooks,
    firstAttempt: boolean,
  ): Promise<MutationRun | { conflict: WriteConflictError; ts: Ts }> {
    const { clock, database, latency, limits } = this.context;
    const transaction = database.begin({ limits: limits.transaction });
    const ts = transaction.beginTs;
    const instead = hooks.before?.(transaction) ?? null;
    if (instead !== null) return instead;
    if (firstAttempt) this.statsOf(invocation).calls++;
    const slow = latency.slowMutationsMs[invocation.address.name] ?? 0;
    await delay(clock, latency.mutationOpenMs + slow);
    const result = await this.attempt(invocation, () =>
      this.runIn(transaction, "mutation", invocation, newJournal()),
    );
    this.count(invocation, transaction);
    if (!result.ok) return { result, ts };
    try {
      hooks.after?.(transaction, result.value);
      const committed = database.commit(transaction);
      return {
        result: {
          ok: true,
          value: resolveCommitTs(result.value, committed),
        },
        ts: committed,
      };
    } catch (error) {
      if (error instanceof WriteConflictError) return { conflict: error, ts };
      return { result: this.failure(invocation, error), ts };
    }
  }

  /** Checks the call, runs it, checks what it returned. */
  private async runIn(
    transaction: Transaction,
    type: "query" | "mutation",
    invocation: Invocation,
    journal: ReturnType<typeof newJournal>,
  ): Promise<JSONValue> {
    const { app, address, args, request, log } = invocation;
    const { context } = this;
    const { info, tables } = this.check(invocation, type);
    const value = await runTransactionFunction(
      {
        context,
        app,
        type,
        address,
        transaction,
        depth: 0,
        now: Math.floor(context.clock.now()),
        random: SeededGenerator.from(context.randomness),
        request,
        log,
        journal,
      },
      args,
    );
    const mismatch = returnsError(info, value, tables);
    if (mismatch !== null) throw new FunctionError(mismatch);
    return value;
  }

  async action(invocation: Invocation, origin: Origin): Promise<JSONValue> {
    const { info, tables } = this.check(invocation, "action");
    return this.asAction(invocation, origin, async (call) => {
      const returned = await runAction(
        call,
        (...args) => actionSyscall(this, ...args),
        invocation.args,
      );
      const value = parseResult(invocation.address, returned, {
        allowPending: false,
        maxBytes: this.context.limits.maxResultBytes,
      });
      const mismatch = returnsError(info, value, tables);
      if (mismatch !== null) throw new FunctionError(mismatch);
      return value;
    });
  }

  /** Null when the component's router has no such route. */
  httpAction(
    invocation: Invocation,
    request: Request,
    path: string,
  ): Promise<Response | null> {
    return this.asAction(invocation, "root", (call) =>
      runHttpAction(
        call,
        (...args) => actionSyscall(this, ...args),
        request,
        path,
      ),
    );
  }

  private async asAction<T>(
    invocation: Invocation,
    origin: Origin,
    run: (call: ActionCall) => Promise<T>,
  ): Promise<T> {
    return this.observed(invocation, () =>
      this.admitAction(invocation, origin, run),
    );
  }

  /** Tells of a call before anything is done for it, and when it is over. */
  private async observed<T>(
    { address, args, request }: Invocation,
    run: () => Promise<T>,
  ): Promise<T> {
    const over = this.context.onCall(
      address,
      args,
      request.scheduledJob?.id ?? null,
    );
    try {
      return await run();
    } finally {
      over?.();
    }
  }

  private async admitAction<T>(
    invocation: Invocation,
    origin: Origin,
    run: (call: ActionCall) => Promise<T>,
  ): Promise<T> {
    const { context } = this;
    const { app, address, request, log } = invocation;
    const { clock, latency, limits, permits } = context;
    const caller = typeof origin === "object" ? origin.calledIn : null;
    if (caller !== null) await delay(clock, latency.nestedActionMs);
    const kind = await this.actionKind(app, address);
    const release = await permits[kind].acquire(
      origin === "scheduled" ? null : limits.actionPermitWaitMs,
      caller,
    );
    const stats = this.statsOf(invocation);
    stats.calls++;
    const life = new Life();
    const partFromCaller = caller?.onEnd(() => {
      if (kind === "action") life.over();
      // In a process of its own it goes on, uncounted.
      else release();
    });
    const ended = context.onRun(address, invocation.args, {
      scheduledId: request.scheduledJob?.id ?? null,
      kill: (why) => life.kill(why),
      transaction: null,
    });
    try {
      return await run({ context, app, address, request, log, life });
    } catch (error) {
      stats.errors++;
      throw error;
    } finally {
      partFromCaller?.();
      ended?.();
      life.over();
      release();
    }
  }

  private async actionKind(
    app: App,
    address: FunctionAddress,
  ): Promise<"action" | "nodeAction"> {
    const definition =
      app.definitions[app.components[address.component]!.definitionPath]!;
    const loaded = await this.context.modules.definition(definition);
    return loaded.environmentOf(moduleOf(address.name)) === "node"
      ? "nodeAction"
      : "action";
  }

  private check(
    invocation: Invocation,
    type: "query" | "mutation" | "action",
  ): { info: FunctionInfo; tables: ReturnType<typeof tableResolver> } {
    const { app, address, args, caller } = invocation;
    const info = requireFunction(app, address, type, caller);
    const tables = tableResolver(this.context.database, address.component);
    checkArguments(address, info, args, tables, {
      allowPending: false,
      maxBytes: this.context.limits.maxArgumentBytes,
    });
    return { info, tables };
  }

  async write<T>(
    run: (transaction: Transaction) => T,
    retry: RetryPolicy = this.context.limits.actionScheduleRetry,
  ): Promise<T> {
    const { clock, database, randomness } = this.context;
    for (let failures = 0; ; failures++) {
      await clock.sleep(0);
      const transaction = database.begin();
      const value = run(transaction);
      try {
        database.commit(transaction);
        return value;
      } catch (error) {
        if (!(error instanceof WriteConflictError)) throw error;
        if (failures >= retry.retries) throw conflictError(error);
        await clock.sleep(backoffMs(retry, failures, randomness.next()));
      }
    }
  }

  private async attempt(
    invocation: Invocation,
    run: () => Promise<JSONValue>,
  ): Promise<Result> {
    try {
      return { ok: true, value: await run() };
    } catch (error) {
      return this.failure(invocation, error);
    }
  }

  private failure(
    invocation: Invocation,
    error: unknown,
  ): { ok: false; error: Failure } {
    this.statsOf(invocation).errors++;
    return { ok: false, error: asFailure(error) };
  }

  private statsOf(invocation: Invocation) {
    return this.context.stats.of(invocation.address);
  }

  private count(invocation: Invocation, transaction: Transaction): void {
    addUsage(
      this.statsOf(invocation),
      transaction.usage().used,
      transaction.tombstonesScanned,
    );
  }
}

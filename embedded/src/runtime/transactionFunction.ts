/**
 * Runs one query or mutation inside a transaction, nested or not.
 *
 * The function's code runs until it waits; then its syscalls are answered in the
 * order in which they were made, one after the other, and its code runs on.
 * Before each answer every other function of the deployment gets its turn. The
 * call is over when its promise is settled and nothing is waiting any more:
 * syscalls that nobody awaited still happen before the commit.
 */
import { DeveloperError, type JSONValue } from "../storage/types.js";
import {
  exportOf,
  displayPath,
  moduleOf,
  requireFunction,
  typeName,
} from "./app.js";
import type { CallHost } from "./callHost.js";
import { FunctionError, SyscallError, SystemError } from "./errors.js";
import {
  describeThrown,
  translatePlaces,
  type PositionLookup,
} from "./stack.js";
import type { Instance } from "./instances.js";
import type { LoadedDefinition } from "./moduleLoader.js";
import { newJournal, type TransactionCall } from "./transactionCall.js";
import {
  isRead,
  TransactionSyscalls,
  type NestedCall,
} from "./transactionSyscalls.js";
import type { FunctionInfo } from "./types.js";
import { unsupportedOperation } from "./unsupported.js";
import {
  enterUserCode,
  measureProcessorTime,
  microtasksDrained,
  userTimeout,
  type UserCall,
} from "./userCode.js";
import {
  checkArguments,
  parseResult,
  returnsError,
  tableResolver,
} from "./validate.js";

/** Like Convex, so that many reads at once cannot keep others waiting. */
const MAX_READS_AT_ONCE = 16;
/**
 * Reads in a row between two turns of the others. Nobody can see when a snapshot
 * is read, and a turn costs far more than a read.
 */
const READS_PER_TURN = 16;
/** Turns to wait for promises of the platform before a function counts as stuck. */
const PATIENCE = 10;

interface PendingSyscall {
  op: string;
  args: string;
  resolve(result: string): void;
  reject(error: Error): void;
}

/**
 * Runs a function whose arguments have been checked; resolves with what it
 * returned, not yet checked against its validator. Rejects with a FunctionError
 * or a SystemError.
 */
export async function runTransactionFunction(
  call: TransactionCall,
  args: JSONValue,
): Promise<JSONValue> {
  const ended = call.context.onRun(call.address, args, {
    scheduledId: call.request.scheduledJob?.id ?? null,
    kill: null,
    transaction: call.transaction,
  });
  try {
    const { app, address, context } = call;
    const loaded = await context.modules.definition(
      app.definitions[app.components[address.component]!.definitionPath]!,
    );
    return await new TransactionFunction(call, loaded).run(args);
  } finally {
    ended?.();
  }
}

class TransactionFunction implements UserCall {
  readonly host: CallHost;
  private readonly pending: PendingSyscall[] = [];
  private readonly syscalls: TransactionSyscalls;
  private outcome:
    { ok: true; value: unknown } | { ok: false; error: unknown } | null = null;
  private rejection: { reason: unknown } | null = null;
  private platformWork = 0;
  private platformIdle: (() => void) | null = null;
  private userTime = 0;
  private readsInTurn = 0;
  private over = false;

  constructor(
    private readonly call: TransactionCall,
    private readonly loaded: LoadedDefinition,
  ) {
    this.host = this.createHost(loaded.positions);
    this.syscalls = new TransactionSyscalls(call, (nested) =>
      runNested(call, nested),
    );
  }

  onUnhandledRejection(reason: unknown): void {
    this.rejection ??= { reason };
  }

  async run(args: JSONValue): Promise<JSONValue> {
    const { context, address, type, depth } = this.call;
    const { loaded } = this;
    let instance: Instance;
    try {
      try {
        this.enter(() => {
          instance = context.instances.take(
            loaded,
            moduleOf(address.name),
            address.component,
            this.host,
          );
          const promise = invoke(
            instance.exports,
            this.call,
            JSON.stringify([args]),
          );
          promise.then(
            (value) => (this.outcome = { ok: true, value }),
            (error: unknown) => (this.outcome = { ok: false, error }),
          );
        });
        await this.drain();
        instance!.giveBack();
      } catch (error) {
        if (error instanceof SystemError) throw error;
        throw describeThrown(error, loaded.positions);
      }
      return parseResult(
        address,
        (this.outcome as { value: unknown } | null)?.value,
        {
          allowPending: type === "mutation" || depth > 0,
          maxBytes: context.limits.maxResultBytes,
        },
      );
    } finally {
      this.over = true;
    }
  }

  /** Runs code of the function and what follows from it in promises, and adds up its time. */
  private enter(run: () => void): void {
    const limit = this.call.context.limits.userTimeMs;
    if (limit === null) return enterUserCode(this, limit, run);
    const elapsed = measureProcessorTime();
    enterUserCode(this, limit, run);
    this.userTime += elapsed();
  }

  private async drain(): Promise<void> {
    const { clock } = this.call.context;
    let patience = PATIENCE;
    for (;;) {
      await this.resume();
      if (this.isTurnOver()) await clock.sleep(0);
      if (this.rejection !== null) throw this.rejection.reason;
      if (this.outcome?.ok === false) throw this.outcome.error;
      const next = this.pending[0];
      if (next !== undefined) {
        patience = PATIENCE;
        if (isRead(next.op)) this.answerReads();
        else await this.answer(this.pending.shift()!);
      } else if (this.outcome !== null) {
        return;
      } else if (this.platformWork > 0) {
        await new Promise<void>((resolve) => (this.platformIdle = resolve));
      } else if (patience-- === 0) {
        throw new FunctionError("Returned promise will never resolve");
      }
    }
  }

  /** Lets the function's code run as far as it can. */
  private resume(): Promise<void> {
    const limit = this.call.context.limits.userTimeMs;
    return limit === null ? microtasksDrained() : this.resumeWithin(limit);
  }

  private async resumeWithin(limit: number): Promise<void> {
    const elapsed = measureProcessorTime();
    await microtasksDrained();
    this.userTime += elapsed();
    if (this.userTime > limit) throw userTimeout(limit);
  }

  private isTurnOver(): boolean {
    const next = this.pending[0];
    const goesOn =
      this.outcome === null &&
      next !== undefined &&
      isRead(next.op) &&
      this.readsInTurn > 0 &&
      this.readsInTurn < READS_PER_TURN;
    if (!goesOn) this.readsInTurn = 0;
    return !goesOn;
  }

  /** Those that wait together, without a promise between one and the next: there are hundreds of thousands. */
  private answerReads(): void {
    let count = 1;
    const limit = Math.min(MAX_READS_AT_ONCE, this.pending.length);
    while (count < limit && isRead(this.pending[count]!.op)) count++;
    this.readsInTurn += count;
    for (const { op, args, resolve, reject } of this.pending.splice(0, count)) {
      try {
        resolve(this.syscalls.read(op, parseArguments(args)));
      } catch (error) {
        reject(catchableError(error));
      }
    }
  }

  private async answer(syscall: PendingSyscall): Promise<void> {
    const { op, args, resolve, reject } = syscall;
    try {
      resolve(await this.syscalls.async(op, parseArguments(args)));
    } catch (error) {
      reject(catchableError(error));
    }
  }

  private createHost(positions: PositionLookup): CallHost {
    const { call } = this;
    const { app, address } = call;
    return {
      env: app.components[address.component]!.env,
      now: () => call.now,
      random: call.random,
      log: (level, message) => {
        if (this.over) return;
        call.log.add(address, level, translatePlaces(message, positions));
      },
      io: null,
      track: (operation) => this.track(operation),
      syscall: (op, args) => {
        if (this.over) throw new Error("This function has ended.");
        try {
          return this.syscalls.sync(op, parseArguments(args));
        } catch (error) {
          throw catchableError(error);
        }
      },
      asyncSyscall: (op, args) =>
        new Promise((resolve, reject) => {
          // What a function still does when it is over can have no effect.
          if (!this.over) this.pending.push({ op, args, resolve, reject });
        }),
      jsSyscall: (op) => {
        throw unsupportedOperation(op);
      },
    };
  }

  private track<T>(operation: Promise<T>): Promise<T> {
    this.platformWork++;
    const done = () => {
      if (--this.platformWork === 0) this.platformIdle?.();
    };
    operation.then(done, done);
    return operation;
  }
}

function parseArguments(args: string): Record<string, unknown> {
  return JSON.parse(args) as Record<string, unknown>;
}

/** What the function sees of a failed syscall; what it must not catch is thrown through. */
export function catchableError(error: unknown): Error {
  if (error instanceof FunctionError) {
    return errorWith(error.display, error.data);
  }
  if (error instanceof SyscallError)
    return errorWith(error.message, error.data);
  if (error instanceof DeveloperError) return new Error(error.message);
  if (error instanceof SystemError) throw error;
  throw new SystemError(
    "InternalServerError",
    `The embedded deployment failed internally: ${String((error as Error)?.stack ?? error)}`,
    { cause: error },
  );
}

/** What the npm package turns into a ConvexError when there are data. */
function errorWith(message: string, data: JSONValue | undefined): Error {
  const seen = new Error(message);
  return data === undefined ? seen : Object.assign(seen, { data });
}

function invoke(
  module: Record<string, unknown>,
  call: TransactionCall,
  args: string,
): Promise<unknown> {
  const { address, type } = call;
  const path = displayPath(address.name);
  const fn = module[exportOf(address.name)] as
    | {
        isQuery?: boolean;
        isMutation?: boolean;
        invokeQuery?(args: string): Promise<unknown>;
        invokeMutation?(args: string): Promise<unknown>;
      }
    | undefined;
  if (fn === undefined || fn === null) {
    throw new FunctionError(
      `Couldn't find ${JSON.stringify(exportOf(address.name))} in module ${JSON.stringify(moduleOf(address.name))}.`,
    );
  }
  const run = type === "query" ? fn.invokeQuery : fn.invokeMutation;
  if (run === undefined) {
    throw new FunctionError(
      fn.isQuery === true || fn.isMutation === true
        ? `Function ${path} is registered as a ${fn.isQuery ? "query" : "mutation"} but is being run as a ${type}.`
        : `Function ${path} is neither a query or mutation. Did you forget to wrap it with \`query\` or \`mutation\`?`,
    );
  }
  return run.call(fn, args);
}

/** A call of `ctx.runQuery` or `ctx.runMutation` inside a query or mutation. */
async function runNested(
  caller: TransactionCall,
  nested: NestedCall,
): Promise<JSONValue> {
  const { context, app } = caller;
  const type = nested.type === "mutation" ? "mutation" : "query";
  if (caller.type === "query" && nested.type !== "query") {
    const name = nested.type === "mutation" ? "Mutation" : "SnapshotQuery";
    throw new SyscallError(
      `Cannot call a ${name} function from a ${typeName(caller.type)} function`,
    );
  }
  const tables = tableResolver(context.database, nested.address.component);
  let info: FunctionInfo;
  try {
    info = requireFunction(app, nested.address, type, null);
    checkArguments(nested.address, info, nested.args, tables, {
      allowPending: caller.type === "mutation",
      maxBytes: context.limits.maxArgumentBytes,
    });
  } catch (error) {
    // Not the callee's failure: it never ran, so there is no stack to show.
    if (error instanceof FunctionError) throw new SyscallError(error.message);
    throw error;
  }
  if (caller.depth >= context.limits.maxCallDepth) {
    throw new SyscallError(
      "Cross component call depth limit exceeded. Do you have an infinite loop in your app?",
    );
  }
  const stats = context.stats.of(nested.address);
  stats.subTransactions++;

  const transaction =
    nested.type === "snapshotQuery"
      ? caller.transaction.staleView(context.limits.staleSnapshotAgeMs)
      : caller.transaction;
  transaction.beginSub(nested.limits);
  let value: JSONValue;
  try {
    value = await runTransactionFunction(
      {
        ...caller,
        type,
        address: nested.address,
        transaction,
        depth: caller.depth + 1,
        random: caller.random.fork(),
        journal: newJournal(),
      },
      nested.args,
    );
  } catch (error) {
    // After a system error the whole transaction is abandoned anyway.
    if (error instanceof FunctionError) {
      stats.errors++;
      if (nested.type === "mutation") transaction.rollbackSub();
      else transaction.commitSub();
    }
    throw error;
  }
  transaction.commitSub();
  // Too late to roll back: Convex checks the returned value after the sub-commit.
  const mismatch = returnsError(info, value, tables);
  if (mismatch !== null) throw new SyscallError(mismatch);
  return value;
}

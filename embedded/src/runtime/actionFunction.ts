/**
 * Runs one action or HTTP action. Its operations run side by side, each in a
 * transaction of its own, and every failure of one can be caught. When the
 * action is over, what it left behind is dropped: timers never fire, results
 * reach nobody.
 */
import type { JSONObject } from "../storage/types.js";
import { displayPath, exportOf, moduleOf } from "./app.js";
import type { RequestContext, RuntimeContext } from "./context.js";
import type { CallHost } from "./callHost.js";
import { FunctionError, SyscallError, SystemError } from "./errors.js";
import { ProcessDeath, type Life } from "./life.js";
import type { CallLog } from "./log.js";
import {
  describeThrown,
  translatePlaces,
  type PositionLookup,
} from "./stack.js";
import type { Timer } from "../seams.js";
import { DeveloperError, StorageError } from "../storage/types.js";
import { TimerHost } from "./timers.js";
import type { App, FunctionAddress } from "./types.js";
import { unsupportedOperation } from "./unsupported.js";
import { enterUserCode, type UserCall } from "./userCode.js";

export interface ActionCall {
  context: RuntimeContext;
  app: App;
  address: FunctionAddress;
  request: RequestContext;
  log: CallLog;
  life: Life;
}

/** What an action can ask for; see `actionSyscalls.ts`. */
export type ActionSyscall = (
  call: ActionCall,
  op: string,
  args: Record<string, unknown>,
) => Promise<string>;

interface ActionExport {
  isAction?: boolean;
  invokeAction?(requestId: string, args: string): Promise<unknown>;
}

/** Resolves with the JSON text that the action returned. */
export function runAction(
  call: ActionCall,
  syscall: ActionSyscall,
  args: JSONObject,
): Promise<unknown> {
  const { address } = call;
  return new ActionFunction(call, syscall).run((module) => {
    const fn = module[exportOf(address.name)] as ActionExport | undefined;
    if (fn?.invokeAction === undefined) {
      throw new FunctionError(
        `Function ${displayPath(address.name)} is not an action. Did you forget to wrap it with \`action\`?`,
      );
    }
    return fn.invokeAction(call.request.requestId, JSON.stringify([args]));
  });
}

interface Router {
  lookup?(
    path: string,
    method: string,
  ):
    | [{ invokeHttpAction(request: Request): Promise<Response> }, ...unknown[]]
    | null;
}

/** `path` is the request's path as the component's router knows it. Null: no such route. */
export async function runHttpAction(
  call: ActionCall,
  syscall: ActionSyscall,
  request: Request,
  path: string,
): Promise<Response | null> {
  return new ActionFunction(call, syscall).run(async (module) => {
    const router = module.default as Router | undefined;
    const found = router?.lookup?.(path, request.method) ?? null;
    if (found === null) return null;
    const response: unknown = await found[0].invokeHttpAction(request);
    if (!(response instanceof Response)) {
      throw new FunctionError(
        "Uncaught Error: HTTP actions must return a Response",
      );
    }
    return complete(response);
  });
}

/** The action goes on until its whole answer is there: a stream may still need its timers. */
async function complete(response: Response): Promise<Response> {
  const { status, statusText, headers } = response;
  const body = response.body === null ? null : await response.arrayBuffer();
  return new Response(body, { status, statusText, headers });
}

class ActionFunction implements UserCall {
  readonly host: CallHost;
  private readonly timers: TimerHost;
  /** Of its code, once that is loaded. */
  private positions: PositionLookup = () => null;
  private fail!: (error: unknown) => void;
  private readonly failed: Promise<never>;
  private over = false;
  private readonly unfinished = new Map<string, number>();
  private underWay = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly call: ActionCall,
    private readonly syscall: ActionSyscall,
  ) {
    this.failed = new Promise((_, reject) => (this.fail = reject));
    this.failed.catch(() => {});
    call.life.onEnd((death) => this.fail(death));
    this.timers = new TimerHost(call.context.clock, (handler) => {
      try {
        enterUserCode(this, null, handler);
      } catch (error) {
        this.fail(error);
      }
    });
    this.host = this.createHost();
  }

  onUnhandledRejection(reason: unknown): void {
    this.fail(reason);
  }

  async run<T>(
    invoke: (module: Record<string, unknown>) => T | Promise<T>,
  ): Promise<T> {
    const { context, app, address } = this.call;
    const definition =
      app.definitions[app.components[address.component]!.definitionPath]!;
    const loaded = await context.modules.definition(definition);
    this.positions = loaded.positions;
    const module = moduleOf(address.name);
    const timeout = this.startTimeout(loaded.environmentOf(module));
    try {
      this.call.life.assertAlive();
      const result = enterUserCode(this, null, async () => {
        const { exports } = context.instances.take(
          loaded,
          module,
          address.component,
          this.host,
        );
        return invoke(exports);
      });
      const value = await Promise.race([result, this.failed]);
      // A rejection of the very last turn is reported only after that turn.
      await Promise.race([context.clock.sleep(0), this.failed]);
      this.warnAboutUnfinished();
      return value;
    } catch (error) {
      if (error instanceof SystemError) throw error;
      throw describeThrown(error, loaded.positions);
    } finally {
      this.over = true;
      timeout.cancel();
      this.timers.close();
    }
  }

  /** Calls of other functions count in: the time of an action passes while it waits for them. */
  private startTimeout(environment: "isolate" | "node" | null): Timer {
    const { context, address } = this.call;
    const { actionTimeoutMs, nodeActionTimeoutMs } = context.limits;
    const limitMs =
      environment === "node" ? nodeActionTimeoutMs : actionTimeoutMs;
    const text =
      environment === "node"
        ? `Action \`${exportOf(address.name)}\` execution timed out (maximum duration ${limitMs / 1000}s)`
        : `Function execution timed out (maximum duration: ${limitMs / 1000}s)`;
    return context.clock.schedule(limitMs, () =>
      this.fail(new FunctionError(text)),
    );
  }

  private createHost(): CallHost {
    const { call } = this;
    const { context, app, address, log } = call;
    return {
      env: app.components[address.component]!.env,
      now: () => context.clock.now(),
      random: context.randomness,
      log: (level, message) => {
        if (this.over) return;
        log.add(address, level, translatePlaces(message, this.positions));
      },
      io: { fetch: context.fetch, timers: this.timers },
      track: (operation) => operation,
      syscall: (op) => {
        throw new Error(`Unknown operation ${op}`);
      },
      asyncSyscall: (op, args) => this.operate(op, args),
      jsSyscall: (op) => {
        throw unsupportedOperation(op);
      },
    };
  }

  private async operate(op: string, args: string): Promise<string> {
    if (this.over) return forever();
    this.unfinished.set(op, (this.unfinished.get(op) ?? 0) + 1);
    await this.slot();
    try {
      // It may have waited for its slot until the action was over.
      if (this.over) return await forever();
      const result = await this.syscall(
        this.call,
        op,
        JSON.parse(args) as Record<string, unknown>,
      );
      if (this.over) return await forever();
      return result;
    } catch (error) {
      if (this.over) return await forever();
      throw asSeenByAction(error);
    } finally {
      this.unfinished.set(op, this.unfinished.get(op)! - 1);
      const next = this.waiting.shift();
      if (next === undefined) this.underWay--;
      else next();
    }
  }

  /** Waits until fewer operations than allowed are under way. */
  private async slot(): Promise<void> {
    if (this.underWay < this.call.context.limits.operationsPerAction) {
      this.underWay++;
    } else {
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  private warnAboutUnfinished(): void {
    const left = [...this.unfinished].filter(([, count]) => count > 0);
    if (left.length === 0) return;
    const total = left.reduce((sum, [, count]) => sum + count, 0);
    const names = left.map(([op]) => op.replace(/^1\.0\/(actions\/)?/, ""));
    this.call.log.add(
      this.call.address,
      "WARN",
      `${total} unawaited operation${total === 1 ? "" : "s"}: [${names.join(", ")}]. Async operations should be awaited or they might not run. See https://docs.convex.dev/functions/actions#dangling-promises for more information.`,
    );
  }
}

/** Nobody listens any more: neither a result nor an error may arrive. */
function forever(): Promise<never> {
  return new Promise(() => {});
}

/** In an action every failure is an ordinary error. */
function asSeenByAction(error: unknown): Error {
  if (error instanceof FunctionError) {
    const seen = new Error(error.display);
    return error.data === undefined
      ? seen
      : Object.assign(seen, { data: error.data });
  }
  if (error instanceof ProcessDeath) return new Error(error.seenByCaller);
  if (
    error instanceof SyscallError ||
    error instanceof DeveloperError ||
    error instanceof StorageError ||
    error instanceof SystemError
  ) {
    return new Error(error.message);
  }
  return new Error(
    `The embedded deployment failed internally: ${String((error as Error)?.stack ?? error)}`,
  );
}

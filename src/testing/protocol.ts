/// <reference types="vite/client" />
/**
 * The component as the root of a test, with the functions of an app beside it:
 * the test sees all tables and can play the loop's clock and the executors by
 * hand. It uses fake timers; nothing that was scheduled runs until the test lets
 * time pass.
 */
import { convexTest } from "convex-test";
import type { FunctionReference } from "convex/server";
import { vi } from "vitest";
import { api, internal } from "../component/_generated/api.js";
import type { Doc, Id } from "../component/_generated/dataModel.js";
import type { MutationCtx } from "../component/_generated/server.js";
import type { Item } from "../component/work/enqueue.js";
import type { LogLevel } from "../component/logging.js";
import schema from "../component/schema.js";
import { MINUTE, SECOND } from "../component/shared.js";
import * as appJobs from "./app/jobs.js";
import appSchema from "./app/schema.js";
import { HandExecutor, STUB_DELAY_MS } from "./handExecutor.js";

export { ended, failure, type HandExecutor } from "./handExecutor.js";

/** Loaded beforehand: while a module loads, fake time would pass and nothing happen. */
const loaded = import.meta.glob(
  ["../component/**/*.ts", "!../component/**/*.test.ts"],
  { eager: true },
);
const modules = Object.fromEntries(
  Object.entries(loaded).map(([path, module]) => [path, async () => module]),
);
const appModules = {
  "./_generated/api.ts": async () => ({}),
  "./jobs.ts": async () => appJobs,
};

type Table = keyof typeof schema.tables;

/** The handle of one of the app's functions. */
export const appFunction = (name: string) => `function://app;jobs:${name}`;
/** The handle of one of the pool's public functions, for app functions that call it. */
export const poolFunction = (name: string) => `function://;lib:${name}`;

/** A work for one of the app's functions. */
export function job(
  fnType: Item["fnType"],
  name: string,
  fnArgs: Record<string, unknown>,
  changes: Partial<Item> = {},
): Item {
  return {
    fnHandle: appFunction(name),
    fnName: `jobs:${name}`,
    fnType,
    fnArgs,
    runAt: Date.now(),
    ...changes,
  };
}

/** Has its callback record the outcome under `key`. */
export const recorded = (key: string, name = "completed") => ({
  onComplete: { fnHandle: appFunction(name), context: { key } },
});

type AsyncSyscall = (op: string, json: string) => Promise<string>;

let deploymentClass: string;
let isInstalled = false;

/** Has convex-test, which knows one class only, tell the one above. */
function installClass(): void {
  if (isInstalled) return;
  isInstalled = true;
  const { Convex } = globalThis as unknown as {
    Convex: { asyncSyscall: AsyncSyscall };
  };
  const { get } = Object.getOwnPropertyDescriptor(Convex, "asyncSyscall")!;
  Object.defineProperty(Convex, "asyncSyscall", {
    get(): AsyncSyscall {
      const asyncSyscall = get!.call(Convex) as AsyncSyscall;
      return async (op, json) => {
        const answer = await asyncSyscall(op, json);
        return op === "1.0/getDeploymentMetadata"
          ? JSON.stringify({ ...JSON.parse(answer), class: deploymentClass })
          : answer;
      };
    },
  });
}

export class ProtocolTest {
  readonly t = convexTest({ schema, modules });

  constructor() {
    installClass();
    this.deploymentClass = "s16";
    this.t.registerComponent("app", appSchema, appModules);
    appJobs.inFlight.now = 0;
    appJobs.inFlight.most = 0;
  }

  /** "s16" at first, as convex-test has it; a larger one has room for more works at a time. */
  set deploymentClass(name: string) {
    deploymentClass = name;
  }

  enqueue(
    items: Item[],
    config: { maxParallelism?: number; logLevel?: LogLevel } = {},
  ): Promise<Id<"work">[]> {
    return this.t.mutation(api.lib.enqueueBatch, {
      items,
      config: { logLevel: "WARN", ...config },
    });
  }
  async enqueueOne(
    item: Item,
    config: { maxParallelism?: number } = {},
  ): Promise<Id<"work">> {
    return await this.t.mutation(api.lib.enqueue, {
      ...item,
      config: { logLevel: "WARN", ...config },
    });
  }
  cancel = (id: string) => this.t.mutation(api.lib.cancel, { id });
  status = (id: string) => this.t.query(api.lib.status, { id });
  get = (id: string) => this.t.query(api.lib.get, { id });
  setLimit = (maxParallelism: number | null) =>
    this.t.mutation(api.config.update, { maxParallelism });

  run<T>(body: (ctx: MutationCtx) => Promise<T>): Promise<T> {
    return this.t.run(async (ctx) => await body(ctx as unknown as MutationCtx));
  }
  rows<T extends Table>(table: T): Promise<Doc<T>[]> {
    return this.run(
      async (ctx) => (await ctx.db.query(table).collect()) as Doc<T>[],
    );
  }
  /** The works that have not ended: the row of one that failed stays as long as its outcome. */
  async liveWorks(): Promise<Doc<"work">[]> {
    const works = await this.rows("work");
    return works.filter(({ endedAt }) => endedAt === undefined);
  }
  /** What an executor was handed and not given yet. */
  async handOversTo(id: Id<"executor">): Promise<Id<"running">[]> {
    const rows = await this.rows("running");
    return rows
      .filter(({ executorId }) => executorId === id)
      .map(({ _id }) => _id);
  }
  work = (id: Id<"work">) => this.run((ctx) => ctx.db.get("work", id));
  async runStatus(): Promise<Doc<"runStatus">> {
    return (await this.rows("runStatus"))[0]!;
  }
  async loopState(): Promise<Doc<"loopState">> {
    return (await this.rows("loopState"))[0]!;
  }

  /** What was scheduled and waits for its time. */
  scheduled(name?: string): Promise<{ name: string; args: any[] }[]> {
    return this.run(async (ctx) =>
      (await ctx.db.system.query("_scheduled_functions").collect()).filter(
        (each) =>
          each.state.kind === "pending" &&
          (name === undefined || each.name === name),
      ),
    );
  }
  /** Cancels what was scheduled under this name. Returns how many. */
  cancelScheduled(name: string): Promise<number> {
    return this.run(async (ctx) => {
      const rows = await ctx.db.system.query("_scheduled_functions").collect();
      const pending = rows.filter(
        (each) => each.state.kind === "pending" && each.name === name,
      );
      for (const { _id } of pending) await ctx.scheduler.cancel(_id);
      return pending.length;
    });
  }

  /** A tick of the present generation, here and now. */
  async tick(): Promise<void> {
    const [status] = await this.rows("runStatus");
    await this.t.mutation(internal.loop.tick.tick, {
      generation: status?.generation ?? 0n,
    });
  }
  /** The watchdog, when it is due, and all the recovery that it starts. */
  async guard(): Promise<void> {
    await this.watch();
    while (await this.recoverPiece());
  }
  /** The watchdog alone, when it is due. */
  async watch(): Promise<void> {
    const { watch } = await this.loopState();
    if (watch === null) throw new Error("No watchdog is armed.");
    vi.setSystemTime(Math.max(watch.at, Date.now()));
    await this.t.mutation(internal.loop.watch.watch, { at: watch.at });
  }
  /** The next piece of a recovery, here and now. False: none is under way. */
  async recoverPiece(): Promise<boolean> {
    const [row] = await this.rows("recovery");
    if (!row) return false;
    const { token, executors, works, giveUp, lateFrom, frozenFrom } = row;
    const piece = {
      token,
      executors,
      works,
      ...(giveUp ? { giveUp } : {}),
      ...(lateFrom === undefined ? {} : { lateFrom }),
      ...(frozenFrom === undefined ? {} : { frozenFrom }),
    };
    await this.t.mutation(internal.loop.recover.recover, piece);
    return true;
  }

  /** The next piece of a recovery comes to nothing: its transaction fails. */
  async failPiece(error: string): Promise<Doc<"recovery">> {
    const [row] = await this.rows("recovery");
    await this.run(async (ctx) => {
      await ctx.db.delete(row!.scheduledId as any);
      const { token, executors, works } = row!;
      const scheduledId = await ctx.scheduler.runAfter(
        STUB_DELAY_MS,
        internal.loop.recover.recover,
        { token, executors, works },
      );
      const state = { kind: "failed", error };
      await ctx.db.patch(scheduledId as any, { state } as any);
      await ctx.db.patch("recovery", row!._id, { scheduledId });
    });
    return row!;
  }

  takeExecutor(id: Id<"executor">): Promise<HandExecutor> {
    return HandExecutor.take(this, id);
  }
  /** Takes over all executors that were started and have not left. */
  async takeExecutors(): Promise<HandExecutor[]> {
    const rows = await this.rows("executor");
    const hands: HandExecutor[] = [];
    for (const { _id, state } of rows) {
      if (state.kind !== "done") hands.push(await this.takeExecutor(_id));
    }
    return hands;
  }
  /** As if the loop had been busy: what a tick starts then stays open for more. */
  async beBusy(): Promise<void> {
    await this.run(async (ctx) => {
      const status = await ctx.db.query("runStatus").first();
      const running = {
        state: { kind: "running" as const },
        generation: status?.generation ?? 0n,
        validUntil: Date.now() + 30 * SECOND,
      };
      if (status) await ctx.db.replace("runStatus", status._id, running);
      else await ctx.db.insert("runStatus", running);
    });
  }
  /** Ticks in a busy pool, and takes over the one executor this must have started. */
  async startOpenByHand(): Promise<HandExecutor> {
    await this.beBusy();
    return await this.startByHand();
  }
  /**
   * Ticks, and takes over the one executor this must have started. In an idle
   * pool that finds room for everything, this takes nothing further.
   */
  async startByHand(): Promise<HandExecutor> {
    await this.tick();
    const hands = await this.takeExecutors();
    if (hands.length !== 1) {
      throw new Error(`${hands.length} executors were started, not one.`);
    }
    return hands[0]!;
  }

  /** The next moment: what was written until now counts as past. Nothing that is scheduled runs. */
  moment(): void {
    vi.setSystemTime(Date.now() + 1);
  }
  /** Lets time pass; what is scheduled runs when it is due. */
  async pass(ms: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(ms);
  }
  /** Lets time pass until nothing runs and nothing is scheduled. Not while the test plays an executor. */
  async drain(): Promise<void> {
    const deadline = Date.now() + 60 * MINUTE;
    while ((await this.unfinished()).length > 0) {
      if (Date.now() > deadline) {
        const left = await this.unfinished();
        throw new Error(
          `After an hour there is still ${left.map(({ name }) => name).join(", ")}.`,
        );
      }
      await this.pass(SECOND);
    }
  }
  /** What is scheduled or runs, executors played by the test left out. */
  unfinished(): Promise<{ name: string }[]> {
    return this.run(async (ctx) =>
      (await ctx.db.system.query("_scheduled_functions").collect()).filter(
        ({ state, scheduledTime, _creationTime }) =>
          ["pending", "inProgress"].includes(state.kind) &&
          scheduledTime - _creationTime < STUB_DELAY_MS / 2,
      ),
    );
  }

  effects(kind: string): Promise<{ key: string; detail?: any }[]> {
    const list = appFunction("effects") as unknown as FunctionReference<
      "query",
      "internal"
    >;
    return this.t.query(list, { kind });
  }
  /** What the callbacks recorded, by key. */
  async outcomes(): Promise<Record<string, any[]>> {
    const byKey: Record<string, any[]> = {};
    for (const { key, detail } of await this.effects("completed")) {
      (byKey[key] ??= []).push(detail.result);
    }
    return byKey;
  }
  /** Lets the callback of `key` that waits for it succeed. */
  async allow(key: string): Promise<void> {
    const record = appFunction("record") as unknown as FunctionReference<
      "mutation",
      "internal"
    >;
    await this.t.mutation(record, { kind: "allow", key });
  }
}

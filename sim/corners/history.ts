/**
 * One history of the profile `corners`: works of every size and duration, several
 * pools, everything at any load; and then until nothing happens any more. What is
 * checked is progress as much as safety.
 */
import type { App } from "../../embedded/src/runtime/types.js";
import { checkBlame } from "../checks/blame.js";
import { BytesCheck } from "../checks/bytes.js";
import { checkRest, checkWorks } from "../checks/ending.js";
import { GoingOnCheck } from "../checks/goingOn.js";
import { checkLoop } from "../checks/loop.js";
import { MemoryCheck } from "../checks/memory.js";
import { OwnCalls } from "../checks/ownCalls.js";
import { checkPlaces } from "../checks/places.js";
import { CLASS_ROOM, RoomCheck } from "../checks/room.js";
import { checkScheduled } from "../checks/scheduled.js";
import { PromptCheck } from "../checks/prompt.js";
import { SlotsCheck } from "../checks/slots.js";
import type { Spec } from "../app/convex/specs.js";
import { Faults } from "../faults.js";
import type { HistoryResult } from "../history.js";
import { Ledger } from "../ledger.js";
import { Mirror } from "../mirror.js";
import { POOLS } from "../jobs.js";
import { type Run, Runs } from "../runs.js";
import { onceEach, Telling } from "../telling.js";
import type { PlannedWork } from "../workload.js";
import { ConnectionLost, prepare, World } from "../world.js";
import { Blows } from "./blows.js";
import { Lives } from "./lives.js";
import {
  type CornerSetting,
  drawCornerSetting,
  type PoolSetting,
} from "./setting.js";
import { type CornerWorkload, drawCornerWorkload } from "./workload.js";
import { drawLightSetting } from "../light/setting.js";
import { drawLightWorkload } from "../light/workload.js";

/** Many times what any history takes. */
const MAX_COMMITS = 100_000;
/** What may become of a client's call without anything being wrong. */
const EXPECTED =
  /changed while this mutation was being run|Too many concurrent|couldn't be completed/;
/** An app's own calls end at some time. */
const OWN_CALLS = 40;
const OWN_ACTION_MS = 500;
/** Looking at all places takes longer the more works there are: the more, the less often. */
const WORKS_PER_LOOK = 10;
/** As docs/architecture.md has it: executors that live at a time. */
const EXECUTOR_CAP = { S16: 5, S256: 20, D1024: 20 };

/** What a trace shows of the component's functions. */
const OF_LOOP = /^(loop\/(tick|watch|recover)|executor\/report|work\/callback)/;

export async function runCornerHistory(
  versions: readonly [App, App],
  seed: number,
  trace: ((line: string) => void) | null = null,
): Promise<HistoryResult> {
  const setting = drawCornerSetting(seed);
  return await runDrawn(versions, setting, drawCornerWorkload(setting), trace);
}

/** One of the profile `light`: chains and fans, beside the app's own calls. */
export async function runLightHistory(
  versions: readonly [App, App],
  seed: number,
  trace: ((line: string) => void) | null = null,
): Promise<HistoryResult> {
  const setting = drawLightSetting(seed);
  return await runDrawn(versions, setting, drawLightWorkload(setting), trace);
}

async function runDrawn(
  versions: readonly [App, App],
  ...drawn: [CornerSetting, CornerWorkload, ((line: string) => void) | null]
): Promise<HistoryResult> {
  await prepare(versions);
  return await new CornerHistory(versions, ...drawn).run();
}

class CornerHistory extends Telling {
  protected readonly world: World;
  private readonly runs: Runs;
  private readonly faults: Faults;
  private readonly blows: Blows;
  private readonly ledger: Ledger;
  private readonly lives: Lives;
  private readonly blame: ReturnType<typeof checkBlame>;
  private readonly slots: SlotsCheck[];
  private readonly prompt: ReadonlyMap<string, PromptCheck>;
  /** Null: as below, or works take so long that own calls may, too. */
  private readonly ownCalls: OwnCalls | null;
  /** Null: several pools share the room, and do not know of each other. */
  private readonly room: RoomCheck | null;
  private readonly memory: MemoryCheck;
  private readonly bytes: BytesCheck;

  constructor(
    versions: readonly [App, App],
    private readonly setting: CornerSetting,
    private readonly workload: CornerWorkload,
    trace: ((line: string) => void) | null,
  ) {
    super(trace);
    const elapsed = () => this.world.clock.elapsed;
    this.faults = new Faults(setting, {
      world: () => this.world,
      runs: () => this.runs,
      versions,
      note: (text) => this.note(`fault: ${text}`),
      call: (type, name, args) => void this.call(type, name, args),
    });
    this.ledger = new Ledger(elapsed);
    this.lives = new Lives(this.workload.specs, elapsed, (outcome) =>
      this.blame(outcome),
    );
    this.blame = checkBlame(this.violate, this.lives);
    this.memory = new MemoryCheck(this.violate);
    this.bytes = new BytesCheck(this.violate);
    const [pool] = setting.pools;
    this.room =
      setting.pools.length > 1
        ? null
        : new RoomCheck(
            onceEach(this.violate),
            setting.deploymentClass,
            (call) => this.lives.of(call),
            () => this.runs.countExecutors(pool!.name),
          );
    this.runs = new Runs([this.ledger, this], () => {}, [
      {
        onCall: (call) => {
          this.advance();
          const life = this.lives.of(call);
          if (life) this.prompt.get(call.pool)?.began(life);
          this.lives.onCall(call);
          this.room?.onCall(call);
          if (life) this.memory.begins(life);
          this.slotsOf(call.pool)?.started();
        },
        onReturn: (call) => {
          this.advance();
          this.lives.onReturn(call);
          this.room?.onReturn(call);
        },
      },
    ]);
    this.world = this.createWorld(versions[0]);
    this.begin = elapsed();
    this.blows = new Blows(
      this.world,
      this.runs,
      this.lives,
      new GoingOnCheck(
        this.lives,
        this.violate,
        elapsed,
        (ms, run) => {
          this.world.clock.schedule(ms, run);
        },
        () => this.isCrowded(),
      ),
      (text) => this.note(`fault: ${text}`),
    );
    this.slots = setting.pools.map((pool) => this.createSlots(pool));
    this.ownCalls =
      setting.isLight && setting.pools.length === 1
        ? new OwnCalls(this.violate, setting.pace)
        : null;
    this.prompt = new Map(
      setting.isLight
        ? setting.pools.map((pool) => [pool.name, this.createPrompt(pool)])
        : [],
    );
    this.watchCommits();
  }

  private createWorld(app: App): World {
    const { seed, pace, deploymentClass, limits } = this.setting;
    const { runs, bytes, faults } = this;
    return new World({
      app,
      seed,
      pace,
      deploymentClass,
      limits,
      jitterMs: faults.jitterMs,
      slowMs: () => faults.slowMs(),
      contest: faults,
      onRun: (address, args, run) => {
        const { transaction } = run;
        if (this.trace && OF_LOOP.test(address.name)) {
          const { component, name } = address;
          this.note(
            `${component} ${name} ${JSON.stringify(args).slice(0, 200)}`,
          );
        }
        const ended = runs.observer(address, args, run);
        const counted =
          transaction &&
          bytes.begin(address.component, address.name, transaction);
        return () => {
          counted?.();
          ended?.();
        };
      },
      onCall: runs.callObserver,
      onLog: (message) => this.onLog(message),
    });
  }

  /** How many handlers of a pool find room in the class, whatever else happens; and whether that is all. */
  private ceilingOf(pool: PoolSetting): {
    ceiling: number;
    fits: boolean;
  } {
    const { setting } = this;
    const { actions, mutations } = setting.concurrency;
    const hasTransactions = [...this.workload.specs.values()].some(
      ({ fnType }) => fnType !== "action",
    );
    const permits = hasTransactions ? Math.min(actions, mutations) : actions;
    // Beyond its room in the class no pool wants anything, and alone it gets that.
    const room = CLASS_ROOM[setting.deploymentClass].actions;
    const want = (each: PoolSetting) => Math.min(each.limit, room);
    const wanted = setting.pools.reduce((sum, each) => sum + want(each), 0);
    const isAlone = setting.pools.length === 1 && !hasTransactions;
    const fits = isAlone || wanted <= permits / 2;
    const slots = want(pool);
    const ceiling = fits ? slots : Math.min(slots, Math.ceil(permits / 8));
    return { ceiling, fits };
  }

  private createPrompt(pool: PoolSetting): PromptCheck {
    return new PromptCheck(this.lives, this.violate, {
      name: pool.name,
      ceiling: this.ceilingOf(pool).ceiling,
      pace: this.setting.pace,
      isCrowded: () => this.isCrowded(),
      calmSince: () => this.blows.calmSince,
      elapsed: () => this.world.clock.elapsed,
    });
  }

  private createSlots(pool: PoolSetting): SlotsCheck {
    const { setting, world } = this;
    const { name } = pool;
    const { ceiling, fits } = this.ceilingOf(pool);
    return new SlotsCheck(this.lives, this.violate, {
      name,
      ceiling,
      isCharged: fits && setting.isFaultless,
      executorCap: EXECUTOR_CAP[setting.deploymentClass as "S16"],
      pace: setting.pace,
      executors: () => this.runs.countExecutors(name),
      isCrowded: () => this.isCrowded(),
      calmSince: () => (setting.isFaultless ? this.blows.calmSince : Infinity),
      elapsed: () => world.clock.elapsed,
      now: () => world.now(),
    });
  }

  /** All actions of the class run, or all scheduled functions: then not even a tick does. */
  private isCrowded(): boolean {
    const { pools, concurrency } = this.setting;
    const names = pools.map(({ name }) => name);
    const sum = (of: (name: string) => number): number =>
      names.reduce((total, name) => total + of(name), 0);
    const executors = sum((name) => this.runs.countExecutors(name));
    const handlers = sum((name) => this.lives.pool(name).running);
    return (
      executors >= concurrency.scheduledJobs ||
      executors + handlers >= concurrency.actions
    );
  }

  private slotsOf(name: string): SlotsCheck | undefined {
    return this.slots[
      this.setting.pools.findIndex((pool) => pool.name === name)
    ];
  }

  private advance(): void {
    for (const slots of this.slots) slots.advance();
    for (const prompt of this.prompt.values()) prompt.advance();
  }

  private watchCommits(): void {
    const { world, ledger, lives, workload } = this;
    const once = onceEach(this.violate);
    const scheduled = checkScheduled(once, (id) => this.blows.isDrawn(id));
    const all = new Mirror(POOLS);
    const pools = POOLS.map((name) => {
      const mirror = new Mirror([name]);
      return {
        mirror,
        places: checkPlaces(mirror, once),
        loop: checkLoop(mirror, once, () => world.now()),
      };
    });
    let commits = 0;
    world.onCommit((commit) => {
      ledger.afterCommit(commit);
      if (this.isOver()) return;
      this.advance();
      lives.afterCommit(commit);
      scheduled(commit);
      all.apply(commit);
      for (const { mirror, places, loop } of pools) {
        if (!mirror.apply(commit)) continue;
        loop(commit);
        const every = 1 + Math.floor(mirror.count("work") / WORKS_PER_LOOK);
        if (++commits % every === 0) places(commit);
        mirror.forgetFinishedJobs(commit);
      }
      if (ledger.commits > MAX_COMMITS) {
        this.violate("no end", `${ledger.commits} commits`);
      }
    });
    this.checkEnd = () => {
      for (const prompt of this.prompt.values()) prompt.end();
      this.ownCalls?.end();
      for (const { mirror } of pools) checkRest(mirror, this.violate);
      const planned = new Map(
        [...workload.specs].map(([key, spec]) => [key, plannedWork(spec)]),
      );
      checkWorks(planned, ledger, all, this.violate);
    };
  }

  private checkEnd!: () => void;

  async run(): Promise<HistoryResult> {
    const { setting, world, workload, faults } = this;
    try {
      await world.start();
      this.note(JSON.stringify(setting));
      for (const { at, specs, together } of workload.submissions) {
        this.at(at, "mutation", "submit", { specs, together });
      }
      for (const at of workload.cancelsAt) {
        this.at(at, "mutation", "cancelAll", { pool: "workpool" });
      }
      this.planOwnCalls();
      this.blows.plan(setting.blows);
      if (!setting.isFaultless) {
        faults.start();
        await world.pass(setting.troubledMs);
        faults.stop();
        this.note("faults stop");
      }
      await world.drain(() => this.isOver());
      if (!this.isOver()) this.checkEnd();
    } catch (error) {
      this.violate("the simulation failed", String((error as Error).stack));
    } finally {
      world.stop();
    }
    return {
      seed: setting.seed,
      commits: this.ledger.commits,
      faults: faults.count + this.blows.count,
      violations: this.violations,
    };
  }

  private planOwnCalls(): void {
    const { ownCallsMs } = this.setting;
    if (ownCallsMs === null) return;
    for (let index = 0; index < OWN_CALLS; index++) {
      const at = index * ownCallsMs;
      if (index % 4 === 3) {
        this.at(at, "action", "ownAction", { ms: OWN_ACTION_MS });
      } else this.at(at, "mutation", "ownMutation", {});
    }
  }

  private at(
    ms: number,
    type: "mutation" | "action",
    name: string,
    args: Record<string, unknown>,
  ): void {
    this.world.clock.schedule(ms, () => {
      void this.call(type, `corners:${name}`, args);
    });
  }

  /** A client whose call may fail, though not for every reason. */
  private async call(
    type: "mutation" | "action",
    name: string,
    args: Record<string, unknown>,
  ): Promise<void> {
    if (this.trace) this.note(`${name} ${JSON.stringify(args).slice(0, 300)}`);
    const { clock } = this.world;
    const since = clock.elapsed;
    const answered = (error: string | null) => {
      if (name !== "corners:ownMutation") return;
      this.ownCalls?.answered(name, clock.elapsed - since, error);
    };
    try {
      await this.world.begin(type, name, args);
      answered(null);
    } catch (error) {
      const { message } = error as Error;
      answered(message);
      this.note(`${name} failed: ${message.split("\n")[0]}`);
      if (!(error instanceof ConnectionLost) && !EXPECTED.test(message)) {
        this.violate("a client's call failed", `${name}: ${message}`);
      }
    }
  }

  onBegin({ kind, key, scheduledId }: Run): void {
    if (kind === "executor") this.advance();
    if (kind === "handler") this.note(`${key} begins in ${scheduledId}`);
    if (kind === "executor") this.note(`executor ${scheduledId} begins`);
  }

  onEnd({ kind, key, scheduledId }: Run): void {
    if (kind === "executor") this.advance();
    if (kind === "handler") this.note(`${key} ends`);
    if (kind === "executor") this.note(`executor ${scheduledId} ends`);
  }
}

function plannedWork(spec: Spec): PlannedWork {
  return {
    fnType: spec.fnType,
    fn: "corner",
    args: { key: spec.key },
    onComplete: spec.callback ? "done" : null,
    ...(spec.failuresOnly ? { excludeKinds: ["success", "canceled"] } : {}),
    ...(spec.retry ? { retry: spec.retry } : {}),
  };
}

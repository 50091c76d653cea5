/** One history: a workload and faults for a while, then calm until nothing happens any more. */
import type { App } from "../embedded/src/runtime/types.js";
import { checkCancels } from "./checks/cancels.js";
import { checkRest, checkWorks } from "./checks/ending.js";
import { LimitCheck } from "./checks/limit.js";
import { checkLoop } from "./checks/loop.js";
import { checkPlaces } from "./checks/places.js";
import {
  checkWaiting,
  NOTICED_MS,
  PROMPT_MS,
  ReportTimes,
} from "./checks/waiting.js";
import { Dice } from "./dice.js";
import { Faults } from "./faults.js";
import { Ledger } from "./ledger.js";
import { Mirror } from "./mirror.js";
import { type Run, type RunListener, Runs } from "./runs.js";
import { drawSetting, type Setting } from "./setting.js";
import type { Violation } from "./violation.js";
import {
  type ClientCall,
  drawWorkload,
  type PlannedWork,
  type Workload,
} from "./workload.js";
import { ConnectionLost, prepare, World } from "./world.js";

export interface HistoryResult {
  seed: number;
  commits: number;
  faults: number;
  violations: Violation[];
}

/**
 * Faults and what they leave; all well again; clients that race the loop; one
 * last executor that dies.
 */
type Phase = "trouble" | "calm" | "race" | "loss";

/** Many times what any history takes: one that would go on for ever ends here. */
const MAX_COMMITS = 50_000;
/** More of them say nothing more. */
const MAX_VIOLATIONS = 5;
/** What may become of a client's call without anything being wrong. */
const EXPECTED =
  /all or nothing|changed while this mutation was being run|Too many concurrent|no exported function|couldn't be completed/;
/** After this much of calm nobody suffers from a fault any more: a transaction that lost many races waits for up to a minute. */
const CALM_MS = 65_000;
/** Calls that began among faults have ended by then. */
const LATE_MS = 20_000;
/** In an idle pool a work has begun by then. */
const START_MS = 1_000;
/** So long that what waits for it in vain is found out. */
const LATER_MS = 40_000;
const MAX_SHADOWS = 20;
/** So many within so many milliseconds. */
const FEW_SHADOWS = 4;
const FEW_MS = 3_000;
const RACES = 2;
const RACING_SHADOW = 0.4;
/** Mutations in which the loop decides what to do next. */
const DECIDES = /^(loop\/tick|executor\/report):/;
/** Somebody else's work comes by so often, in case that all ticks were canceled. */
const VISIT_MS = 35_000;
const VISITS = 4;

export async function runHistory(
  versions: readonly [App, App],
  seed: number,
  trace: ((line: string) => void) | null = null,
): Promise<HistoryResult> {
  await prepare(versions);
  return await new History(versions, seed, trace).run();
}

class History implements RunListener {
  private readonly setting: Setting;
  private readonly workload: Workload;
  private readonly dice: Dice;
  private readonly world: World;
  private readonly runs: Runs;
  private readonly faults: Faults;
  private readonly ledger: Ledger;
  private readonly reports: ReportTimes;
  private readonly mirror = new Mirror();
  private readonly violations: Violation[] = [];
  private readonly begin: number;
  private phase: Phase = "trouble";
  private shadows = 0;
  private shadowsLeft = MAX_SHADOWS;
  /** Of the latest. */
  private shadowTimes: number[] = [];

  constructor(
    private readonly versions: readonly [App, App],
    seed: number,
    private readonly trace: ((line: string) => void) | null,
  ) {
    this.setting = drawSetting(seed);
    this.workload = drawWorkload(seed, this.setting.troubledMs);
    this.dice = new Dice(seed, 4);
    this.faults = new Faults(this.setting, {
      world: () => this.world,
      runs: () => this.runs,
      versions,
      note: (text) => this.note(`fault: ${text}`),
      call: (type, name, args) => void this.call(type, name, args),
    });
    const elapsed = () => this.world.clock.elapsed;
    this.ledger = new Ledger(elapsed);
    this.reports = new ReportTimes(elapsed);
    const limit = new LimitCheck(
      this.mirror,
      this.violate,
      elapsed,
      2 * (this.setting.jitterMs + this.setting.hiccupMs),
    );
    this.runs = new Runs(
      [this.faults, this.ledger, this.reports, this],
      limit.onSlot,
    );
    const { deploymentClass, limits, pace } = this.setting;
    this.world = new World({
      app: versions[0],
      seed,
      pace,
      deploymentClass,
      limits,
      jitterMs: this.faults.jitterMs,
      slowMs: (name) => this.faults.slowMs() + this.shadow(name),
      contest: this.faults,
      onRun: this.runs.observer,
      onCall: this.runs.callObserver,
      onLog: (message) => this.onLog(message),
    });
    this.begin = elapsed();
    this.watchCommits(limit);
  }

  private watchCommits(limit: LimitCheck): void {
    const { mirror, violate, world, ledger } = this;
    const { deploymentClass } = this.setting;
    const places = checkPlaces(mirror, violate);
    const cancels = checkCancels(ledger, mirror, violate);
    const loop = checkLoop(mirror, violate, () => world.now());
    const time = {
      elapsed: () => world.clock.elapsed,
      now: () => world.now(),
    };
    const caps =
      deploymentClass === "S16"
        ? { accepting: 3, inAll: 5 }
        : { accepting: 4, inAll: 20 };
    const patience = () => {
      if (this.phase === "loss") return NOTICED_MS;
      if (this.setting.isFaultless || this.phase === "race") {
        return PROMPT_MS + this.reports.longest;
      }
      return this.phase === "calm" ? NOTICED_MS : Infinity;
    };
    const waiting = checkWaiting(mirror, violate, time, patience, caps);
    world.onCommit((commit) => {
      ledger.afterCommit(commit);
      if (!mirror.apply(commit) || this.isOver()) return;
      places(commit);
      loop(commit);
      cancels(commit);
      limit.afterCommit(commit);
      waiting(commit);
      if (ledger.commits > MAX_COMMITS) {
        violate("no end", `${ledger.commits} commits`);
      }
    });
  }

  async run(): Promise<HistoryResult> {
    const { seed, troubledMs } = this.setting;
    try {
      await this.world.start();
      this.note(JSON.stringify(this.setting));
      for (const call of this.workload.calls) this.schedule(call);
      this.faults.start();
      await this.pass(troubledMs);
      this.faults.stop();
      this.note("faults stop");
      await this.becomeCalm();
      await this.raceWithLoop();
      await this.loseAnExecutor();
      await this.world.drain(() => this.isOver());
      if (!this.isOver()) this.checkEnd();
    } catch (error) {
      this.violate("the simulation failed", String((error as Error).stack));
    } finally {
      this.world.stop();
    }
    return {
      seed,
      commits: this.ledger.commits,
      faults: this.faults.count,
      violations: this.violations,
    };
  }

  private readonly violate = (rule: string, details: string): void => {
    if (this.isOver()) return;
    const at = this.world.clock.elapsed - this.begin;
    this.violations.push({ rule, details, at });
    this.note(`VIOLATION: ${rule}: ${details}`);
  };

  private isOver(): boolean {
    return this.violations.length >= MAX_VIOLATIONS;
  }

  private note(text: string): void {
    if (this.trace === null) return;
    const at = this.world.clock.elapsed - this.begin;
    this.trace(`${at.toFixed(1).padStart(10)}  ${text}`);
  }

  /** Lets time pass, unless too much is wrong already. */
  private async pass(ms: number): Promise<void> {
    if (!this.isOver()) await this.world.pass(ms);
  }

  private schedule({ at, type, name, args }: ClientCall): void {
    this.world.clock.schedule(at, () => {
      void (name === "look"
        ? this.look()
        : this.call(type, `clients:${name}`, args));
    });
  }

  /** A client whose call may fail, though not for every reason. */
  private async call(
    type: ClientCall["type"],
    name: string,
    args: Record<string, unknown>,
  ): Promise<any> {
    this.note(`${name} ${describe(args)}`);
    try {
      return await this.world.begin(type, name, args);
    } catch (error) {
      const { message } = error as Error;
      this.note(`${name} failed: ${message.split("\n")[0]}`);
      if (!(error instanceof ConnectionLost) && !EXPECTED.test(message)) {
        this.violate("a client's call failed", `${name}: ${message}`);
      }
      return null;
    }
  }

  /** A client that asks for the states of all works, in every way there is. */
  private async look(): Promise<void> {
    const ids = await this.call("query", "clients:submitted", {});
    if (ids === null) return;
    const states = await this.call("query", "clients:look", { ids });
    for (const { batch, single, info } of states ?? []) {
      // The state that only `get` has: `status` counts what was given to an executor as running.
      const known = info === "claimed" ? "running" : info;
      if (batch !== single || (known !== null && known !== single)) {
        this.violate("states that differ", `${batch}, ${single}, ${info}`);
      }
    }
  }

  /**
   * A client that comes at the worst moment: after the loop has looked, and before
   * it commits what it made of that. Returns how long that takes.
   */
  private shadow(name: string): number {
    const { workload, dice, setting, world } = this;
    const isTroubled = world.clock.elapsed <= this.begin + setting.troubledMs;
    if (!isTroubled && this.phase !== "race") return 0;
    if (!DECIDES.test(name) || this.shadowsLeft <= 0) return 0;
    const probability = isTroubled ? workload.shadow : RACING_SHADOW;
    if (!dice.chance(probability)) return 0;
    // A transaction that loses every race is another fault.
    const now = world.clock.elapsed;
    this.shadowTimes = this.shadowTimes.filter((at) => at > now - FEW_MS);
    if (this.shadowTimes.length >= FEW_SHADOWS) return 0;
    this.shadowTimes.push(now);
    this.shadowsLeft -= 1;
    const ms = dice.magnitude(20, 150) * Math.max(1, setting.pace);
    world.clock.schedule(dice.between(0, ms), () => {
      if (isTroubled && dice.chance(0.2)) this.faults.setLimit();
      else this.enqueueShadow();
    });
    return ms;
  }

  private enqueueShadow(): void {
    const key = `shadow${this.shadows++}`;
    const runAfter = this.dice.pick([0, 0, 0, 500, 5_000]);
    this.submit({ fnType: "mutation", fn: "mutate", args: { key }, runAfter });
  }

  private async becomeCalm(): Promise<void> {
    const { faults, dice } = this;
    await this.pass(LATE_MS);
    // A change of settings wakes the loop, and would hide that it sleeps too deep.
    if (this.mirror.limit === 0 || dice.chance(0.2)) {
      const maxParallelism = dice.pick([2, 5, 20, null]);
      void this.call("mutation", "requests:setLimit", { maxParallelism });
    }
    await this.pass(CALM_MS);
    if (faults.canceledTicks) {
      for (let visit = 0; visit < VISITS; visit++) {
        const args = { key: `visitor${visit}` };
        this.submit({ fnType: "mutation", fn: "mutate", args });
        await this.pass(VISIT_MS);
      }
    }
    this.phase = "calm";
  }

  /** Everything is well, so nothing waits for long, however close it comes to the loop's decisions. */
  private async raceWithLoop(): Promise<void> {
    const { dice } = this;
    this.phase = "race";
    for (let race = 0; race < RACES; race++) {
      this.shadowsLeft = MAX_SHADOWS / RACES;
      const works = dice.integer(1, 12);
      const gapMs = dice.pick([0, 100, 300]);
      for (let i = 0; i < works; i++) {
        this.enqueueShadow();
        await this.pass(gapMs);
      }
      await this.pass(dice.between(2_000, 10_000));
    }
    await this.pass(PROMPT_MS);
  }

  /** A client with a single work. */
  private submit(work: PlannedWork): void {
    this.workload.works.set(work.args.key, work);
    const options = { together: false, dawdle: 0, fail: false };
    void this.call("mutation", "clients:submit", { works: [work], ...options });
  }

  /** The last fault, when there is nothing else: it is noticed in time. */
  private async loseAnExecutor(): Promise<void> {
    const args = { key: "later" };
    this.submit({ fnType: "mutation", fn: "mutate", args, runAfter: LATER_MS });
    await this.pass(START_MS);
    const key = "lost";
    this.submit({
      fnType: "action",
      fn: "act",
      args: { key, ms: 10_000 },
      retry: { maxAttempts: 2, initialBackoffMs: 0, base: 1 },
    });
    await this.pass(START_MS);
    // Any other may have been canceled by hand: those are waited for.
    const executor = this.runs.executorWith(key);
    if (executor === undefined || this.isOver()) return;
    this.phase = "loss";
    this.note("fault: the last executor to die");
    this.runs.kill(executor, "Transient error while executing action");
    await this.pass(NOTICED_MS);
    for (const { _id, scheduledId, state } of this.mirror.rows("executor")) {
      if (scheduledId === executor.scheduledId && state.kind !== "done") {
        this.violate("loss that is not noticed", `of executor ${_id}`);
      }
    }
  }

  private checkEnd(): void {
    checkRest(this.mirror, this.violate);
    checkWorks(this.workload.works, this.ledger, this.mirror, this.violate);
  }

  private onLog(message: string): void {
    if (this.trace) this.note(`log: ${JSON.stringify(message.slice(0, 300))}`);
    if (/failed internally|runaway/.test(message)) {
      this.violate("alarm", message);
    }
  }

  onBegin({ kind, key }: Run): void {
    if (kind === "handler") this.note(`${key} begins`);
    if (kind === "executor") this.note("an executor begins");
  }

  onEnd({ kind, key }: Run): void {
    if (kind === "handler") this.note(`${key} ends`);
    if (kind === "executor") this.note("an executor ends");
  }
}

function describe(args: Record<string, unknown>): string {
  return JSON.stringify(args, (_name, value: unknown) =>
    typeof value === "string" && value.length > 100
      ? `${value.slice(0, 20)}… (${value.length} characters)`
      : value,
  );
}

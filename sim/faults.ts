/** What goes wrong in a history: when, is drawn from its seed; how, is done here. */
import type { App } from "../embedded/src/runtime/types.js";
import { Dice } from "./dice.js";
import {
  cancelJobs,
  COMPONENT,
  failJobs,
  isUnfinished,
  removeJobs,
} from "./jobs.js";
import type { Run, RunListener, Runs } from "./runs.js";
import type { Event, Moment, Setting } from "./setting.js";
import type { Contest } from "./store.js";
import type { Row, World } from "./world.js";

const MINUTE_MS = 60_000;
/** What a scheduled function's failure says after a restart: nobody's fault. The other may be its works'. */
const CAUSES = [
  "Transient error while executing action",
  "The process ran out of memory",
];
const LIMITS = [0, 0, 1, 1, 2, 3, 5, 20, 1_000, null];
/** Longer than a lost executor goes unnoticed: what it began may outlive it. */
const LONGEST_MUTATION_MS = 15_000;
/** The grace times of the pool are minutes: a clock set forward by more would be another fault. */
const LARGEST_STEP_MS = 60_000;

export interface FaultsHost {
  world(): World;
  runs(): Runs;
  versions: readonly [App, App];
  /** For the trace. */
  note(text: string): void;
  /** Begins a call whose answer nobody waits for. */
  call(
    type: "mutation" | "action",
    name: string,
    args: Record<string, unknown>,
  ): void;
}

export class Faults implements RunListener, Contest {
  count = 0;
  /** Ticks were canceled by hand: only a visitor will find out. */
  canceledTicks = false;
  private readonly dice: Dice;
  private active = false;
  private stormUntil = 0;
  private version = 0;

  constructor(
    private readonly setting: Setting,
    private readonly host: FaultsHost,
  ) {
    this.dice = new Dice(setting.seed, 3);
  }

  private get world(): World {
    return this.host.world();
  }

  private happens(moment: Moment): boolean {
    const happens =
      this.active && this.dice.chance(this.setting.probability[moment]);
    if (happens) this.count += 1;
    return happens;
  }

  /** The transaction that is about to commit loses a race. */
  loses(): boolean {
    if (!this.active) return false;
    const inStorm =
      this.world.clock.elapsed < this.stormUntil && this.dice.chance(0.9);
    return inStorm || this.happens("conflict");
  }

  /** The transaction that has just committed: nobody is told. */
  losesReply(): boolean {
    return this.happens("lostReply");
  }

  /** How late the next timer comes at most. */
  readonly jitterMs = (): number => {
    const { jitterMs, hiccupMs } = this.setting;
    if (!this.active) return 1;
    return this.happens("hiccup") ? hiccupMs : jitterMs;
  };

  /** How much longer the mutation that has just begun stays open. */
  slowMs(): number {
    return this.happens("slowMutation")
      ? this.dice.magnitude(5, LONGEST_MUTATION_MS)
      : 0;
  }

  start(): void {
    this.active = true;
    for (const event of Object.keys(EVENTS) as Event[]) this.plan(event);
  }

  /** From now on everything goes well. */
  stop(): void {
    this.active = false;
    this.world.clock.resume();
  }

  private plan(event: Event): void {
    const rate = this.setting.perMinute[event];
    if (rate === 0) return;
    const wait = (-Math.log(1 - this.dice.next()) * MINUTE_MS) / rate;
    this.after(wait, () => {
      this.count += 1;
      EVENTS[event](this);
      this.plan(event);
    });
  }

  /** Unless everything goes well by then. */
  private after(ms: number, run: () => void): void {
    this.world.clock.schedule(ms, () => {
      if (this.active) run();
    });
  }

  onBegin(run: Run): void {
    if (run.kind === "executor" && this.happens("deathAtStart")) {
      this.kill(run, this.dice.between(0, 10));
    }
    if (run.kind === "report" && this.happens("deathInReport")) {
      this.killExecutorOf(run, this.dice.between(0, 40));
    }
    if (run.kind !== "handler") return;
    if (this.happens("deathDuring")) {
      this.killExecutorOf(run, this.dice.magnitude(1, 5_000));
    }
    if (this.happens("lostSight")) this.loseSightOfExecutorOf(run);
    if (run.isAction && this.happens("deathOfAction")) {
      this.kill(run, this.dice.magnitude(1, 5_000));
    }
  }

  onEnd(run: Run): void {
    if (run.kind === "handler" && this.happens("deathAfter")) {
      this.killExecutorOf(run, this.dice.between(0, 40));
    }
  }

  private killExecutorOf(run: Run, afterMs: number): void {
    const executor = this.host.runs().executorOf(run);
    if (executor) this.kill(executor, afterMs);
  }

  private loseSightOfExecutorOf(run: Run): void {
    const executor = this.host.runs().executorOf(run);
    if (!executor) return;
    this.after(this.dice.magnitude(1, 5_000), () => {
      if (executor.isDead) return;
      this.host.note("an executor counts as failed, and goes on");
      this.host.runs().disown(executor);
      const job = { _id: executor.scheduledId! };
      failJobs(this.world, [job], this.dice.pick(CAUSES));
    });
  }

  private kill(run: Run, afterMs: number): void {
    const why = this.dice.pick(CAUSES);
    this.after(afterMs, () => {
      if (run.isDead) return;
      this.host.note(`${run.key} dies: ${why}`);
      this.host.runs().kill(run, why);
    });
  }

  storm(): void {
    const ms = this.dice.magnitude(300, 6_000);
    this.stormUntil = this.world.clock.elapsed + ms;
    this.host.note(`hardly anything commits for ${Math.round(ms)} ms`);
  }

  restart(): void {
    this.host.note("the deployment restarts");
    this.host.runs().killAll();
    void this.world.crash();
  }

  cancelByHand(): void {
    const { dice, world } = this;
    const jobs = this.jobs().filter(({ state }) => isUnfinished(state));
    const kind = dice.pick(["", "loop/", "executor/run", "work/"]);
    const candidates = jobs.filter(({ name }) => name.startsWith(kind));
    const chosen = dice.chance(0.3)
      ? candidates
      : dice.some(candidates, 1 / Math.max(1, candidates.length));
    if (chosen.length === 0) return;
    this.canceledTicks ||= chosen.some(({ name }) => name.startsWith("loop/"));
    this.host.note(
      `somebody cancels ${chosen.map(({ name }) => name).join(", ")}`,
    );
    cancelJobs(world, chosen);
  }

  collect(): void {
    const { dice, world } = this;
    // A canceled executor may still run: in a week, which is when its row would go, it does not.
    const gone = this.jobs().filter(
      ({ state }) => state.kind === "success" || state.kind === "failed",
    );
    const chosen = dice.chance(0.5) ? gone : dice.some(gone, 0.3);
    this.host.note(`${chosen.length} finished scheduled functions are removed`);
    removeJobs(world, chosen);
  }

  private jobs(): Row[] {
    return this.world.rows("_scheduled_functions", COMPONENT);
  }

  clockForward(): void {
    const ms = this.dice.magnitude(100, LARGEST_STEP_MS);
    this.host.note(`the clock is set forward by ${Math.round(ms)} ms`);
    this.world.clock.setForward(ms);
  }

  clockStands(): void {
    const ms = this.dice.magnitude(100, 20_000);
    this.host.note(`the clock stands for ${Math.round(ms)} ms`);
    this.world.clock.stop();
    this.after(ms, () => this.world.clock.resume());
  }

  crowd(): void {
    const { deploymentClass, limits } = this.setting;
    if (deploymentClass !== "S16") return;
    const permits = limits.concurrency?.actions ?? 64;
    const count = this.dice.integer(Math.ceil(permits / 2), permits);
    this.host.note(`others run ${count} actions`);
    for (let i = 0; i < count; i++) {
      const ms = Math.round(this.dice.magnitude(500, 20_000));
      this.host.call("action", "clients:occupy", { ms });
    }
  }

  redeploy(): void {
    this.version = 1 - this.version;
    this.host.note(`version ${this.version + 1} of the app is deployed`);
    void this.world.deploy(this.host.versions[this.version]!);
  }

  setLimit(): void {
    const maxParallelism = this.dice.pick(LIMITS);
    this.host.call("mutation", "requests:setLimit", { maxParallelism });
  }
}

const EVENTS: Record<Event, (faults: Faults) => void> = {
  storm: (faults) => faults.storm(),
  restart: (faults) => faults.restart(),
  cancelByHand: (faults) => faults.cancelByHand(),
  collect: (faults) => faults.collect(),
  clockForward: (faults) => faults.clockForward(),
  clockStands: (faults) => faults.clockStands(),
  crowd: (faults) => faults.crowd(),
  redeploy: (faults) => faults.redeploy(),
  setLimit: (faults) => faults.setLimit(),
};

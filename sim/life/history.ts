/**
 * One history of the profile `life`: works with every option of time and identity, and people who
 * cancel, change, retry and forget them in every state, among the faults of the profile `classic`; then
 * calm until nothing happens any more.
 */
import type { App } from "../../embedded/src/runtime/types.js";
import { checkRest } from "../checks/ending.js";
import { LimitCheck } from "../checks/limit.js";
import { checkLoop } from "../checks/loop.js";
import { checkPlaces } from "../checks/places.js";
import { checkWaiting } from "../checks/waiting.js";
import { Faults } from "../faults.js";
import type { HistoryResult } from "../history.js";
import { Mirror } from "../mirror.js";
import { type Run, Runs } from "../runs.js";
import { onceEach, Telling } from "../telling.js";
import { ConnectionLost, prepare, World } from "../world.js";
import { Book } from "./book.js";
import { BeginsCheck } from "./checks/begins.js";
import { KeysCheck } from "./checks/keys.js";
import { checkExpired, checkProgress, checkRemains } from "./checks/rest.js";
import { NoticesCheck } from "./checks/notices.js";
import { RoundsCheck } from "./checks/rounds.js";
import { drawLifeSetting, type LifeSetting } from "./setting.js";
import { drawLifeWorkload, type LifeWorkload } from "./workload.js";

/** Many times what any history takes. */
const MAX_COMMITS = 50_000;
/** What may become of a client's call without anything being wrong. */
const EXPECTED =
  /changed while this mutation was being run|Too many concurrent|couldn't be completed/;
/** After this much of calm nobody suffers from a fault any more. */
const CALM_MS = 85_000;
/** So long something may wait that has room, without faults. */
const PATIENCE_MS = 20_000;
/** As docs/architecture.md has it: executors that accept works, and that live, at a time. */
const CAPS = {
  S16: { accepting: 3, inAll: 5 },
  S256: { accepting: 4, inAll: 20 },
  D1024: { accepting: 4, inAll: 20 },
};

export async function runLifeHistory(
  versions: readonly [App, App],
  seed: number,
  trace: ((line: string) => void) | null = null,
): Promise<HistoryResult> {
  await prepare(versions);
  return await new LifeHistory(versions, drawLifeSetting(seed), trace).run();
}

class LifeHistory extends Telling {
  protected readonly world: World;
  private readonly workload: LifeWorkload;
  private readonly faults: Faults;
  private readonly runs: Runs;
  private readonly mirror = new Mirror();
  private readonly book: Book;
  private readonly begins: BeginsCheck;
  private readonly rounds: RoundsCheck;
  private readonly notices: NoticesCheck;
  private readonly keys: KeysCheck;
  private readonly limit: LimitCheck;
  private commits = 0;
  private handlers = 0;
  private isCalm: boolean;

  constructor(
    versions: readonly [App, App],
    private readonly setting: LifeSetting,
    trace: ((line: string) => void) | null,
  ) {
    super(trace);
    this.isCalm = setting.isFaultless;
    this.workload = drawLifeWorkload(setting);
    const elapsed = () => this.world.clock.elapsed;
    const now = () => this.world.now();
    const once = onceEach(this.violate);
    const { mirror } = this;
    this.faults = new Faults(setting, {
      world: () => this.world,
      runs: () => this.runs,
      versions,
      note: (text) => this.note(`fault: ${text}`),
      call: (_type, name, args) => void this.call(name, args),
    });
    this.book = new Book(elapsed);
    this.rounds = new RoundsCheck(this.book, once);
    this.notices = new NoticesCheck(this.book, once);
    this.keys = new KeysCheck(mirror, once, this.exclusiveKeys());
    this.begins = new BeginsCheck(
      this.book,
      mirror,
      once,
      now,
      setting.isFaultless,
    );
    this.limit = new LimitCheck(
      mirror,
      once,
      elapsed,
      2 * (setting.jitterMs + setting.hiccupMs),
    );
    this.runs = this.createRuns();
    const { faults, runs } = this;
    const { seed, pace, deploymentClass, limits } = setting;
    this.world = new World({
      app: versions[0],
      seed,
      pace,
      deploymentClass,
      limits,
      jitterMs: faults.jitterMs,
      slowMs: () => faults.slowMs(),
      contest: faults,
      onRun: runs.observer,
      onCall: runs.callObserver,
      onLog: (message) => this.onLog(message),
    });
    this.begin = elapsed();
    this.watchCommits();
  }

  /** The holders of these go on until they have ended, at least. */
  private exclusiveKeys(): Set<string> {
    const uniques = this.workload.calls.map(
      ({ args }) => args.unique as { key: string; scope: unknown } | undefined,
    );
    const exclusive = uniques.filter(
      (unique) => unique?.scope === "active" || unique?.scope === "retained",
    );
    return new Set(exclusive.map((unique) => unique!.key));
  }

  private createRuns(): Runs {
    const { faults, book, begins, limit } = this;
    return new Runs(
      [faults, this],
      (slot, inFlight) => {
        // An action is called once in its slot; a transaction may be tried again in it.
        const isAction = !slot.includes("(");
        const name = isAction ? `${slot}, ${this.handlers++}` : slot;
        limit.onSlot(name, inFlight - book.released);
      },
      [
        {
          onCall: (call) => {
            begins.onCall(call);
            book.onCall(call);
          },
          onReturn: (call) => book.onReturn(call),
        },
      ],
    );
  }

  private watchCommits(): void {
    const { world, mirror, book, begins, rounds, keys, setting } = this;
    const once = onceEach(this.violate);
    const elapsed = () => world.clock.elapsed;
    const now = () => world.now();
    const places = checkPlaces(mirror, once);
    const loop = checkLoop(mirror, once, now);
    const patience = () => (this.isCalm ? PATIENCE_MS : Infinity);
    const caps = CAPS[setting.deploymentClass as keyof typeof CAPS];
    const waiting = checkWaiting(
      mirror,
      once,
      { elapsed, now },
      patience,
      caps,
    );
    world.onCommit((commit) => {
      this.commits += 1;
      if (this.isOver()) return;
      if (this.isCalm) checkExpired(mirror, once, now());
      book.apply(commit);
      begins.beforeCommit(commit);
      keys.beforeCommit(commit);
      const isConcerned = mirror.apply(commit);
      rounds.afterCommit(commit);
      this.notices.afterCommit(commit);
      if (!isConcerned) return;
      keys.afterCommit(commit);
      checkProgress(mirror, once);
      places(commit);
      loop(commit);
      this.limit.afterCommit(commit);
      waiting(commit);
      mirror.forgetFinishedJobs(commit);
      if (this.commits > MAX_COMMITS) once("no end", `${this.commits} commits`);
    });
  }

  async run(): Promise<HistoryResult> {
    const { setting, world, workload, faults } = this;
    try {
      await world.start();
      this.note(JSON.stringify(setting));
      for (const { at, name, args } of workload.calls) {
        world.clock.schedule(at, () => void this.call(name, args));
      }
      if (setting.isFaultless) await world.pass(setting.troubledMs);
      else await this.passTrouble();
      // Nobody knows whether the end of a pause has come through.
      void this.call("requests:setLimit", { maxParallelism: null });
      await world.pass(CALM_MS);
      // A pause that lost against others for so long may have come after that.
      void this.call("requests:setLimit", { maxParallelism: null });
      this.isCalm = true;
      await world.drain(() => this.isOver());
      if (!this.isOver()) this.checkEnd();
    } catch (error) {
      this.violate("the simulation failed", String((error as Error).stack));
    } finally {
      world.stop();
    }
    return {
      seed: setting.seed,
      commits: this.commits,
      faults: faults.count,
      violations: this.violations,
    };
  }

  private async passTrouble(): Promise<void> {
    this.faults.start();
    await this.world.pass(this.setting.troubledMs);
    this.faults.stop();
    this.note("faults stop");
  }

  private checkEnd(): void {
    const { mirror, violate } = this;
    checkRest(mirror, violate);
    checkRemains(mirror, violate);
    this.rounds.end(mirror);
    this.notices.end();
  }

  /** A client whose call may fail, though not for every reason. */
  private async call(
    name: string,
    args: Record<string, unknown>,
  ): Promise<void> {
    if (this.trace) this.note(`${name} ${JSON.stringify(args).slice(0, 800)}`);
    try {
      await this.world.begin("mutation", name, args);
    } catch (error) {
      const { message } = error as Error;
      this.note(`${name} failed: ${message.split("\n")[0]}`);
      if (!(error instanceof ConnectionLost) && !EXPECTED.test(message)) {
        this.violate("a client's call failed", `${name}: ${message}`);
      }
    }
  }

  onBegin({ kind, key, isAction, isDead, scheduledId }: Run): void {
    if (kind === "handler") this.note(`${key} begins in ${scheduledId}`);
    if (kind === "executor") this.note(`executor ${scheduledId} begins`);
    if (kind === "handler" && isAction && !isDead) this.begins.onBegin(key);
  }

  onEnd({ kind, key, scheduledId }: Run): void {
    if (kind === "handler") this.note(`${key} ends`);
    if (kind === "executor") this.note(`executor ${scheduledId} ends`);
  }
}

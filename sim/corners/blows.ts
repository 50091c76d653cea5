/** Deaths at drawn times, at whatever load there is. */
import type { GoingOnCheck } from "../checks/goingOn.js";
import { POOLS, unfinishedJobs } from "../jobs.js";
import type { Run, Runs } from "../runs.js";
import type { World } from "../world.js";
import type { Lives } from "./lives.js";
import type { Blow } from "./setting.js";

const CAUSES = {
  systemError: "Transient error while executing action",
  outOfMemory: "The process ran out of memory",
};

/** After this much nobody suffers from it any more: quarantine ends when what is in it has ended. */
const FELT_MS = { restart: 60_000, systemError: 20_000, outOfMemory: 150_000 };

export class Blows {
  count = 0;
  /** In time that passes. */
  calmSince = 0;
  private readonly drawn = new Set<string>();

  constructor(
    private readonly world: World,
    private readonly runs: Runs,
    private readonly lives: Lives,
    private readonly goingOn: GoingOnCheck,
    private readonly note: (text: string) => void,
  ) {}

  plan(blows: readonly Blow[]): void {
    for (const { at, kind } of blows) {
      this.world.clock.schedule(at, () => {
        if (kind === "restart") this.restart();
        else this.kill(kind);
      });
    }
  }

  /** Whether this scheduled function, an executor, was killed here. */
  isDrawn(scheduledId: string): boolean {
    return this.drawn.has(scheduledId);
  }

  /** Works that executors were started with which have never reported: they may still wait for a permit. */
  private startedUnheard(): number {
    let works = 0;
    for (const pool of POOLS) {
      const heard = new Set(
        this.world.rows("executorStats", pool).map((row) => row.executorId),
      );
      for (const { _id, state, first } of this.world.rows("executor", pool)) {
        if (state.kind !== "done" && !heard.has(_id)) works += first.length;
      }
    }
    return works;
  }

  private felt(kind: Blow["kind"]): void {
    this.count += 1;
    const until = this.world.clock.elapsed + FELT_MS[kind];
    this.calmSince = Math.max(this.calmSince, until);
  }

  private restart(): void {
    this.felt("restart");
    this.note("the deployment restarts");
    this.goingOn.restart();
    const began = new Set<string>();
    for (const life of this.lives.all()) {
      if (life.phase !== "runs" && life.phase !== "returned") continue;
      life.lost += 1;
      began.add(life.executor!);
    }
    for (const { scheduledId } of this.runs.executors) began.add(scheduledId!);
    // Those, too, that have their permit and whose code has not begun.
    for (const pool of POOLS) {
      for (const { _id, state } of unfinishedJobs(this.world, pool)) {
        if (state.kind === "inProgress") began.add(_id);
      }
    }
    for (const id of began) this.drawn.add(id);
    this.lives.died(began, this.startedUnheard());
    this.runs.killAll();
    void this.world.crash();
  }

  /** The executor that has most. */
  private kill(kind: "systemError" | "outOfMemory"): void {
    let most: { run: Run; begun: ReturnType<Lives["begunBy"]> } | null = null;
    for (const run of this.runs.executors) {
      const begun = this.lives.begunBy(run.scheduledId!);
      if (most === null || begun.length > most.begun.length) {
        most = { run, begun };
      }
    }
    if (most === null) return;
    this.felt(kind);
    this.note(`an executor dies with ${most.begun.length} works: ${kind}`);
    this.goingOn.death(most.begun);
    for (const life of most.begun) life.lost += 1;
    this.drawn.add(most.run.scheduledId!);
    this.lives.died(new Set([most.run.scheduledId!]), this.startedUnheard());
    this.runs.kill(most.run, CAUSES[kind]);
  }
}

/** The loop: at most one chain, never without its watchdog, never in a hurry for nothing. */
import type { CommittedWrites } from "../../embedded/src/storage/types.js";
import { COMPONENT } from "../jobs.js";
import type { Mirror, StoredRow } from "../mirror.js";
import type { CommitCheck, Violate } from "./check.js";

const MINUTE_MS = 60_000;
/** The cap of the component, 300 a minute and then one per second, over a window that may begin in the middle of one. */
const MAX_FRUITLESS_PER_MINUTE = 2 * 300 + 60;
/** The watchdog comes every 12 seconds, or a second later if one was armed already. */
const MAX_WATCH_MS = 13_000;
/** Every two seconds while lost executors are looked after, and when somebody asks for it. */
const MAX_WATCHES_PER_MINUTE = 60;
const MOVED = new Set(["pendingStart", "running", "executor", "work"]);
/** Int64 0 in Convex JSON. */
const FIRST_GENERATION = "AAAAAAAAAAA=";

interface TickArgs {
  generation: { $integer: string };
  takeover?: boolean;
  token?: string;
  dueAt?: number;
}

const isTick = ({ name }: StoredRow) => name === "loop/tick.js:tick";
const isWatch = ({ name }: StoredRow) => name === "loop/watch.js:watch";
const argsOf = ({ args }: StoredRow) => args[0] as TickArgs;

/** Of the chain, and no wake-up. */
function isLink({ dueAt }: TickArgs): boolean {
  return dueAt !== undefined;
}

export function checkLoop(
  mirror: Mirror,
  violate: Violate,
  now: () => number,
): CommitCheck {
  /** When ticks of the chain came that moved nothing. */
  const fruitless: number[] = [];
  /** When the watchdog came. */
  const watches: number[] = [];
  const generation = () =>
    (mirror.single("runStatus")?.generation.$integer as string | undefined) ??
    FIRST_GENERATION;

  /** A tick that is not, or no longer, wanted has not done anything. */
  function checkFence(tick: TickArgs, writes: CommittedWrites["writes"]): void {
    const before = (table: string) =>
      writes.find((each) => each.table === table)?.before?.value as any;
    const state = before("loopState");
    if (!state) return;
    const current = before("runStatus")?.generation.$integer ?? generation();
    if (tick.generation.$integer !== current) {
      violate("tick of another generation", JSON.stringify(tick));
    }
    if (tick.dueAt !== undefined && tick.dueAt !== state.nextTickAt) {
      violate("tick of another chain", JSON.stringify(tick));
    }
  }

  /** Notes that it happened now. */
  function countLastMinute(times: number[]): number {
    times.push(now());
    while (times[0]! < now() - MINUTE_MS) times.shift();
    return times.length;
  }

  /** Whatever it moves: what it takes from one place may be put back there. */
  function checkWatch(at: number, writes: CommittedWrites["writes"]): void {
    const state = writes.find(({ table }) => table === "loopState")?.before
      ?.value as StoredRow | undefined;
    if (!state) return;
    if (state.watch?.at !== at) {
      violate("watchdog of the past", `${at}, not ${state.watch?.at}`);
    }
    const count = countLastMinute(watches);
    if (count > MAX_WATCHES_PER_MINUTE) {
      violate("runaway watchdog", `it came ${count} times within a minute`);
    }
  }

  function checkRate(writes: CommittedWrites["writes"]): void {
    const moved = writes.some(
      ({ namespace, table }) => namespace === COMPONENT && MOVED.has(table),
    );
    if (moved) return;
    if (countLastMinute(fruitless) > MAX_FRUITLESS_PER_MINUTE) {
      violate(
        "runaway loop",
        `${fruitless.length} ticks within a minute that moved nothing`,
      );
    }
  }

  /** Links of the same due time count as one: the second one to come exits. */
  function checkChain(ticks: Iterable<StoredRow>): void {
    const due = new Set<number | undefined>();
    const state = mirror.single("loopState");
    const current = generation();
    let links = 0;
    for (const tick of ticks) {
      const args = argsOf(tick);
      if (!isLink(args) || args.generation.$integer !== current) continue;
      if (args.dueAt !== undefined && args.dueAt !== state?.nextTickAt)
        continue;
      if (args.dueAt === undefined || !due.has(args.dueAt)) links += 1;
      due.add(args.dueAt);
    }
    if (links > 1) violate("two chains", [...due].join(", "));
  }

  function checkArmed(
    jobs: readonly StoredRow[],
    writes: CommittedWrites["writes"],
  ): void {
    const state = mirror.single("loopState");
    const status = mirror.single("runStatus");
    if (!state || !status) return;
    const { watch, assigned } = state;
    const inDanger = assigned.length > 0 || status.state.kind === "running";
    if (
      inDanger &&
      status.validUntil === null &&
      status.state.kind !== "idle"
    ) {
      violate("counts as alive for ever", `in state ${status.state.kind}`);
    }
    if (watch === null) {
      if (inDanger || status.state.kind === "scheduled") {
        violate("no watchdog", `in state ${status.state.kind}`);
      }
      return;
    }
    const looked = writes.some(
      ({ namespace, table }) =>
        namespace === COMPONENT && table === "loopState",
    );
    if (!looked) return;
    if (inDanger && watch.at > now() + MAX_WATCH_MS) {
      violate("late watchdog", `it comes in ${watch.at - now()} ms`);
    }
    // One that was canceled by hand is there and canceled.
    if (!jobs.some((job) => isWatch(job) && job.args[0].at === watch.at)) {
      violate("watchdog that was not armed", `of ${watch.at}`);
    }
  }

  return ({ writes }) => {
    const jobs = [...mirror.rows("_scheduled_functions")];
    for (const { after } of writes) {
      const job = after?.value as StoredRow | undefined;
      if (!job?.name?.startsWith("loop/")) continue;
      if (job.state?.kind === "failed") {
        violate(`failed ${job.name}`, job.state.error);
      }
      if (job.state?.kind !== "success") continue;
      if (isWatch(job)) checkWatch(job.args[0].at, writes);
      if (!isTick(job)) continue;
      checkFence(argsOf(job), writes);
      if (isLink(argsOf(job))) checkRate(writes);
    }
    checkChain(
      jobs.filter((job) => isTick(job) && job.state.kind === "pending"),
    );
    checkArmed(jobs, writes);
  };
}

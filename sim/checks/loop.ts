/** The loop: at most one chain, never without its guard, never in a hurry for nothing. */
import type { CommittedWrites } from "../../embedded/src/storage/types.js";
import { COMPONENT } from "../jobs.js";
import type { Mirror, StoredRow } from "../mirror.js";
import type { CommitCheck, Violate } from "./check.js";

const MINUTE_MS = 60_000;
/** The cap of the component, 300 a minute and then one per second, over a window that may begin in the middle of one. */
const MAX_FRUITLESS_PER_MINUTE = 2 * 300 + 60;
/** The guard comes every 12 seconds, or a second later if one was armed already. */
const MAX_GUARD_MS = 13_000;
const MOVED = new Set(["pendingStart", "running", "executor", "work"]);

interface TickArgs {
  generation: { $integer: string };
  takeover?: boolean;
  token?: string;
  guardAt?: number;
  dueAt?: number;
}

const isTick = ({ name }: StoredRow) => name === "loop/tick.js:tick";
const argsOf = ({ args }: StoredRow) => args[0] as TickArgs;

export function checkLoop(
  mirror: Mirror,
  violate: Violate,
  now: () => number,
): CommitCheck {
  /** When ticks of the chain came that moved nothing. */
  const fruitless: number[] = [];

  function checkRate({ writes }: CommittedWrites): void {
    const tick = writes.find(
      ({ table, after }) =>
        table === "_scheduled_functions" &&
        after !== null &&
        isTick(after.value as unknown as StoredRow) &&
        (after.value.state as { kind: string }).kind === "success",
    );
    if (!tick || !isLink(argsOf(tick.after!.value as unknown as StoredRow))) {
      return;
    }
    if (
      writes.some(
        ({ namespace, table }) => namespace === COMPONENT && MOVED.has(table),
      )
    ) {
      return;
    }
    fruitless.push(now());
    while (fruitless[0]! < now() - MINUTE_MS) fruitless.shift();
    if (fruitless.length > MAX_FRUITLESS_PER_MINUTE) {
      violate(
        "runaway loop",
        `${fruitless.length} ticks within a minute that moved nothing`,
      );
    }
  }

  function checkChain(ticks: StoredRow[]): void {
    const generation =
      mirror.single("runStatus")?.generation.$integer ?? "AAAAAAAAAAA=";
    const state = mirror.single("loopState");
    const links = ticks.map(argsOf).filter(
      (args) =>
        isLink(args) &&
        args.generation.$integer === generation &&
        // One with another due time exits.
        (args.dueAt === undefined || args.dueAt === state?.nextTickAt),
    );
    if (links.length > 1) {
      violate("two chains", JSON.stringify(links));
    }
  }

  function checkGuard(writes: CommittedWrites["writes"]): void {
    const state = mirror.single("loopState");
    const status = mirror.single("runStatus");
    if (!state || !status) return;
    const { guardAt, assigned } = state;
    const inDanger = assigned.length > 0 || status.state.kind === "running";
    if (guardAt === null) {
      if (inDanger || status.state.kind === "scheduled") {
        violate("no guard", `in state ${status.state.kind}`);
      }
      return;
    }
    const looked = writes.some(({ table }) => table === "loopState");
    if (looked && inDanger && guardAt > now() + MAX_GUARD_MS) {
      violate("late guard", `it comes in ${guardAt - now()} ms`);
    }
    const guards = [...mirror.rows("_scheduled_functions")].filter(
      (job) => isTick(job) && argsOf(job).guardAt === guardAt,
    );
    // One that was canceled by hand is there and canceled.
    if (looked && guards.length === 0) {
      violate("guard that was not armed", `of ${guardAt}`);
    }
  }

  return (commit) => {
    checkRate(commit);
    const ticks = [...mirror.rows("_scheduled_functions")].filter(isTick);
    for (const { _id, state } of ticks) {
      if (state.kind === "failed") {
        violate("failed tick", `${_id}: ${state.error}`);
      }
    }
    checkChain(ticks.filter(({ state }) => state.kind === "pending"));
    checkGuard(commit.writes);
  };
}

/** Of the chain: neither a wake-up nor the guard. */
function isLink({ token, guardAt, takeover }: TickArgs): boolean {
  return token === undefined && guardAt === undefined && !takeover;
}

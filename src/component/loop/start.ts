/**
 * Carrying out a plan: entries leave the queue, hand-overs and executors appear.
 */
import { internal } from "../_generated/api.js";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import {
  bytesOf,
  MAX_ENTRY_BYTES,
  MAX_ENTRY_WORKS,
  sizesOf,
} from "../queue/entries.js";
import { transactionShare } from "./classRoom.js";
import { deliver, logStarted } from "./delivery.js";
import type { Logger } from "../logging.js";
import { reuse } from "./executors.js";
import type { EntryView } from "./scan.js";
import type { Target } from "./lane.js";
import type { Plan } from "./plan.js";
import type { Turn, TurnView } from "./turning.js";

type State = Doc<"loopState">;
/** Works, and the bytes of each. */
type Piece = { works: Id<"work">[]; sizes: number[] };

/**
 * With how much an executor is started at most. The rest is handed over at the
 * same time, for its first report to fetch.
 */
const MAX_START_WORKS = 100;
const MAX_START_BYTES = 400_000;

export class Starter {
  private readonly ctx: MutationCtx;
  private readonly console: Logger;
  private readonly view: TurnView;
  /** Cursors and counts are kept here. */
  private readonly state: State;

  constructor(
    private readonly turn: Turn,
    /** New executors take nothing beyond what they are started with. */
    private readonly bornClosing: boolean,
    /** How often a new executor reports that is going to drive. */
    private readonly pollMs: number | null,
  ) {
    const { ctx, console, view, state } = turn;
    this.ctx = ctx;
    this.console = console;
    this.view = view;
    this.state = state;
  }

  /**
   * Moves what the plan says. Where the snapshot may be of the past, every entry is read
   * again before it is written: a cancel may have taken works out of it. Whoever is handed
   * something is read with dependencies: it may be about to close.
   *
   * @returns how many works were handed over, and which executors were started for any work.
   */
  async carryOut(
    plan: Plan,
  ): Promise<{ moved: number; executors: Id<"executor">[] }> {
    const { view, ctx } = this;
    const entries = new Map<string, EntryView>(
      [...view.ready, ...view.due, ...view.isolated, ...view.long].map(
        (entry) => [entry.id, entry],
      ),
    );
    const byTarget = new Map<string, { target: Target; pieces: Piece[] }>();
    for (const [entryId, pieces] of groupByEntry(plan)) {
      const entry = entries.get(entryId)!;
      for (const { target, piece } of await this.takeFrom(entry, pieces)) {
        const key = target.kind === "new" ? `new ${target.index}` : target.id;
        const list = byTarget.get(key) ?? { target, pieces: [] };
        list.pieces.push(piece);
        byTarget.set(key, list);
      }
    }

    const leases = new Map(plan.leases.map(({ id, width }) => [id, width]));
    for (const [id, width] of leases) {
      await ctx.db.patch("executor", id as Id<"executor">, { width });
      const assigned = this.assigned(id as Id<"executor">);
      const executor = view.executors.find(({ _id }) => _id === id)!;
      // One that is cut down has no more in flight than it keeps.
      assigned.peak =
        width < executor.width ? width : Math.max(assigned.peak, width);
      executor.width = width;
    }
    let moved = 0;
    const executors: Id<"executor">[] = [];
    for (const { target, pieces } of byTarget.values()) {
      if (target.kind === "new") {
        const made = plan.newExecutors[target.index]!;
        const started = await this.start(made, pieces);
        moved += started.moved;
        if (!made.isolated) executors.push(started.executorId);
        continue;
      }
      const executorId = target.id as Id<"executor">;
      const { width } = view.executors.find(({ _id }) => _id === executorId)!;
      if (!leases.has(executorId) && !this.isReporting(executorId)) {
        await ctx.db.get("executor", executorId);
      }
      moved += await this.handOver(executorId, width, pieces);
    }
    return { moved, executors };
  }

  /** Its report has read its row. */
  private isReporting(executorId: Id<"executor">): boolean {
    const { caller } = this.turn;
    return caller.kind !== "tick" && caller.executorId === executorId;
  }

  private assigned(executorId: Id<"executor">): State["assigned"][number] {
    return this.state.assigned.find((each) => each.executorId === executorId)!;
  }

  private async takeFrom(
    seen: EntryView,
    pieces: Plan["pieces"],
  ): Promise<{ target: Target; piece: Piece }[]> {
    const { ctx, state, view } = this;
    const entry = view.isCurrent
      ? seen.content
      : await ctx.db.get("pendingStart", seen.id);
    let rest = entry ? contentOf(entry) : { works: [], sizes: [] };
    const taken: { target: Target; piece: Piece }[] = [];
    for (const { works: count, target } of pieces) {
      const piece = part(rest, 0, count);
      rest = part(rest, count);
      if (piece.works.length > 0) taken.push({ target, piece });
    }
    if (rest.works.length > 0) {
      await ctx.db.patch("pendingStart", seen.id, {
        works: rest.works,
        bytes: bytesOf(rest.sizes),
      });
      return taken;
    }
    if (entry) await ctx.db.delete("pendingStart", seen.id);
    // Emptied: the next scan starts behind it and meets no tombstone.
    if (seen.kind === "ready") state.ready = seen.position ?? state.ready;
    if (seen.kind === "later") state.scanFrom.later = seen.dueAt;
    return taken;
  }

  /** Starts an executor with its first works in hand. */
  private async start(
    made: Plan["newExecutors"][number],
    pieces: readonly Piece[],
  ): Promise<{ moved: number; executorId: Id<"executor"> }> {
    const { ctx, view, state } = this;
    const { executorId, incarnation } = await reuse(ctx, view, state);
    const { first, rest } = splitForStart(pieces);
    // With more than its start can carry, it has to ask for the rest.
    const closing =
      made.isolated ||
      (this.bornClosing &&
        !made.listener &&
        !made.long &&
        rest.works.length === 0);
    const closed = closing && rest.works.length === 0;
    const delivered = await deliver(
      ctx,
      this.console,
      first.map((workId, position) => ({ position, workId, since: Infinity })),
      false,
    );
    // Those canceled meanwhile have ended: the others move up.
    const attempts = delivered.attempts.map((attempt, position) => ({
      ...attempt,
      position,
    }));
    const { width, listener, long } = made;
    const transactions = transactionShare(width, view.limit, view.room);
    const scheduledId = await ctx.scheduler.runAfter(
      0,
      internal.executor.run.run,
      {
        executorId,
        incarnation,
        attempts,
        width,
        ...(transactions === undefined ? {} : { transactions }),
        listener,
        closed,
        pollMs: this.pollMs,
        ...(long ? { long: true } : {}),
      },
    );
    logStarted(this.console, delivered.started, scheduledId);
    await ctx.db.replace("executor", executorId, {
      incarnation,
      scheduledId,
      width,
      epoch: view.config.epoch,
      state: { kind: closing ? "closing" : "open" },
      ...(long ? { role: "long" } : listener ? { role: "listener" } : {}),
      startedAt: this.turn.now,
      first: attempts.map(({ workId }) => workId),
    });
    state.assigned.push({ executorId, next: attempts.length, peak: width });
    const later = await this.handOver(executorId, width, [rest]);
    return { moved: first.length + later, executorId };
  }

  /** Inserts hand-over rows, packed like entries. */
  private async handOver(
    executorId: Id<"executor">,
    width: number,
    pieces: readonly Piece[],
  ): Promise<number> {
    const assigned = this.assigned(executorId);
    let moved = 0;
    for (const { works, sizes } of repack(pieces, handOverSize(width))) {
      const handOver = { first: assigned.next, works, bytes: sum(sizes) };
      const _id = await this.ctx.db.insert("running", {
        executorId,
        ...handOver,
      });
      if (this.isReporting(executorId)) {
        this.turn.handedOver.push({ _id, ...handOver });
      }
      assigned.next += works.length;
      moved += works.length;
    }
    return moved;
  }
}

function groupByEntry(plan: Plan): Map<string, Plan["pieces"]> {
  const groups = new Map<string, Plan["pieces"]>();
  for (const piece of plan.pieces) {
    const group = groups.get(piece.entryId) ?? [];
    group.push(piece);
    groups.set(piece.entryId, group);
  }
  return groups;
}

/** A hand-over is delivered whole: for a narrow executor it must not be much more than it can begin. */
function handOverSize(width: number): number {
  return Math.max(1, Math.min(MAX_ENTRY_WORKS, Math.ceil(width / 2)));
}

/** What fits the arguments of a scheduled function, and the rest. The first always does. */
export function splitForStart(pieces: readonly Piece[]): {
  first: Id<"work">[];
  rest: Piece;
} {
  const all = {
    works: pieces.flatMap(({ works }) => works),
    sizes: pieces.flatMap(({ sizes }) => sizes),
  };
  let bytes = 0;
  let count = 0;
  while (count < Math.min(all.works.length, MAX_START_WORKS)) {
    bytes += all.sizes[count]!;
    if (count > 0 && bytes > MAX_START_BYTES) break;
    count += 1;
  }
  return { first: all.works.slice(0, count), rest: part(all, count) };
}

/** Pure: small pieces go together and large ones apart, up to `maxWorks` and the bytes of an entry. */
export function repack(pieces: readonly Piece[], maxWorks: number): Piece[] {
  const packed: Piece[] = [];
  let bytes = 0;
  for (const { works, sizes } of pieces) {
    for (const [index, workId] of works.entries()) {
      const size = sizes[index]!;
      const last = packed.at(-1);
      const fits =
        last !== undefined &&
        last.works.length < maxWorks &&
        bytes + size <= MAX_ENTRY_BYTES;
      if (fits) {
        last.works.push(workId);
        last.sizes.push(size);
        bytes += size;
      } else {
        packed.push({ works: [workId], sizes: [size] });
        bytes = size;
      }
    }
  }
  return packed;
}

function contentOf({ works, bytes }: EntryView["content"]): Piece {
  return { works, sizes: sizesOf(works.length, bytes) };
}

function part({ works, sizes }: Piece, from: number, to?: number): Piece {
  return { works: works.slice(from, to), sizes: sizes.slice(from, to) };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

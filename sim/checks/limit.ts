/**
 * No handler is called while the limit is reached: from its call to its end it
 * takes a slot, however long it waits for a place to run. A lowered limit takes hold of
 * each executor with its next report: until all that were there have reported
 * under a lease of the new epoch, the limit before it counts.
 */
import type { CommittedWrites } from "../../embedded/src/storage/types.js";
import type { Mirror } from "../mirror.js";
import type { SlotListener } from "../runs.js";
import type { CommitCheck, Violate } from "./check.js";

/** From the commit of a report until its executor has the reply, at the pace of the slowest history. */
const REPLY_MS = 100;

export class LimitCheck {
  private limit = 10;
  /** The highest limit that may still be in force somewhere. */
  private ceiling = 10;
  /** Executors that have not learned of the limit, with their incarnation. */
  private readonly unaware = new Map<string, number>();
  private settlesAt = 0;
  private readonly taken = new Set<string>();

  constructor(
    private readonly mirror: Mirror,
    private readonly violate: Violate,
    /** Time that passes, in milliseconds. */
    private readonly elapsed: () => number,
    /** How late a timer comes at most. */
    private readonly lateMs: number,
  ) {}

  readonly afterCommit: CommitCheck = ({ writes }) => {
    const { limit } = this.mirror;
    if (limit < this.limit) this.lowered();
    this.limit = limit;
    this.ceiling = Math.max(this.ceiling, limit);
    this.checkDelivery(writes);
    if (this.unaware.size === 0) return;
    this.learn(writes);
    if (this.unaware.size === 0) {
      this.settlesAt = this.elapsed() + REPLY_MS + this.lateMs;
    }
  };

  /** Under a lease of before the limit changed, nothing new is delivered. */
  private checkDelivery(writes: CommittedWrites["writes"]): void {
    const epoch = this.mirror.single("config")?.epoch;
    for (const { table, before, after } of writes) {
      if (table !== "executorStats" || !before || !after) continue;
      const { executorId, cursor, seq } = after.value as Record<string, any>;
      if (cursor === before.value.cursor) continue;
      // What is taken back, or settled in its place, moves the cursor, too, and is no report.
      if (seq === before.value.seq) continue;
      const lease = this.mirror.get("executor", executorId)?.epoch;
      if (lease !== epoch) {
        this.violate(
          "delivered under an old lease",
          `to ${executorId}, whose lease is of epoch ${lease}, not ${epoch}`,
        );
      }
    }
  }

  private lowered(): void {
    this.ceiling = this.currentCeiling();
    for (const { _id, state, incarnation } of this.mirror.rows("executor")) {
      if (state.kind !== "done") this.unaware.set(_id, incarnation);
    }
    this.settlesAt = this.elapsed() + REPLY_MS + this.lateMs;
  }

  private learn(writes: CommittedWrites["writes"]): void {
    const epoch = this.mirror.single("config")?.epoch ?? 0;
    const reported = new Set(
      writes
        .filter(
          ({ table, before, after }) =>
            table === "executorStats" &&
            after &&
            // What is taken back from it is noted there, too, and no report.
            after.value.seq !== (before?.value.seq ?? -1),
        )
        .map(({ after }) => after!.value.executorId as string),
    );
    for (const [id, incarnation] of this.unaware) {
      const row = this.mirror.get("executor", id);
      const isOver =
        !row || row.state.kind === "done" || row.incarnation !== incarnation;
      if (isOver || (row.epoch === epoch && reported.has(id))) {
        this.unaware.delete(id);
      }
    }
  }

  private currentCeiling(): number {
    if (this.unaware.size === 0 && this.elapsed() >= this.settlesAt) {
      this.ceiling = this.limit;
    }
    return this.ceiling;
  }

  readonly onSlot: SlotListener = (slot, inFlight) => {
    // A transaction that lost its races is tried again in the slot that it has.
    if (this.taken.has(slot)) return;
    this.taken.add(slot);
    const allowed = this.currentCeiling();
    if (inFlight > allowed) {
      this.violate(
        "limit exceeded",
        `${slot} was called as number ${inFlight}, the limit is ${this.limit}${allowed > this.limit ? ` and was ${allowed}` : ""}`,
      );
    }
  };
}

/**
 * No handler starts while the limit is reached. A lowered limit takes hold of
 * each executor with its next report: until all that were there have reported
 * under a lease of the new epoch, the limit before it counts.
 */
import type { CommittedWrites } from "../../embedded/src/storage/types.js";
import type { Mirror } from "../mirror.js";
import type { Run, RunListener } from "../runs.js";
import type { CommitCheck, Violate } from "./check.js";

/** From the commit of a report until its executor has the reply, at the pace of the slowest history. */
const REPLY_MS = 100;

export class LimitCheck implements RunListener {
  private limit = 10;
  /** The highest limit that may still be in force somewhere. */
  private ceiling = 10;
  /** Executors that have not learned of the limit, with their incarnation. */
  private readonly unaware = new Map<string, number>();
  private settlesAt = 0;
  private loweredAt = -Infinity;
  /** Which handlers were called, by which executor. */
  private readonly started = new Set<string>();

  constructor(
    private readonly mirror: Mirror,
    private readonly violate: Violate,
    /** Time that passes, in milliseconds. */
    private readonly elapsed: () => number,
    private readonly inFlight: () => number,
    /** How late a timer comes at most. */
    private readonly lateMs: number,
    /** How long before its code runs it may have been called, and taken its slot: transactions are slow, actions wait for permits. */
    private readonly slowMs: (isAction: boolean) => number,
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
      const { executorId, cursor } = after.value as Record<string, any>;
      if (cursor === before.value.cursor) continue;
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
    this.loweredAt = this.elapsed();
    this.ceiling = this.currentCeiling();
    for (const { _id, done, incarnation } of this.mirror.rows("executor")) {
      if (done === null) this.unaware.set(_id, incarnation);
    }
    this.settlesAt = this.elapsed() + REPLY_MS + this.lateMs;
  }

  private learn(writes: CommittedWrites["writes"]): void {
    const epoch = this.mirror.single("config")?.epoch ?? 0;
    const reported = new Set(
      writes
        .filter(({ table, after }) => table === "executorStats" && after)
        .map(({ after }) => after!.value.executorId as string),
    );
    for (const [id, incarnation] of this.unaware) {
      const row = this.mirror.get("executor", id);
      const isOver =
        !row || row.done !== null || row.incarnation !== incarnation;
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

  onBegin({ kind, key, isAction, isDead, scheduledId }: Run): void {
    if (kind !== "handler" || isDead) return;
    const start = `${key} in ${scheduledId}`;
    // The platform tries a transaction again that lost a race: it kept its slot.
    const again = !isAction && this.started.has(start);
    this.started.add(start);
    const isSlow = this.elapsed() < this.loweredAt + this.slowMs(isAction);
    const allowed = this.currentCeiling();
    const inFlight = this.inFlight();
    if (inFlight > allowed && !again && !isSlow) {
      this.violate(
        "limit exceeded",
        `${key} started as number ${inFlight}, the limit is ${this.limit}${allowed > this.limit ? ` and was ${allowed}` : ""}`,
      );
    }
  }

  onEnd(): void {}
}

/**
 * No attempt begins that must not: after the work has expired, after a cancel that ended it
 * while it waited, or as a retry of one that was canceled while it ran; nor more of them than
 * `retry` allows. What an outcome says of attempts is what has begun.
 */
import type { CommittedWrites } from "../../../embedded/src/storage/types.js";
import type { Violate } from "../../checks/check.js";
import type { Mirror } from "../../mirror.js";
import type { HandlerCall } from "../../runs.js";
import { type Book, ofTable } from "../book.js";

/** From when an executor looks at its clock until it calls. */
const CALL_MS = 50;
/** The same for a transaction: from its begin until its handler looks. */
const TRANSACTION_MS = 200;

export class BeginsCheck {
  constructor(
    private readonly book: Book,
    private readonly mirror: Mirror,
    private readonly violate: Violate,
    private readonly now: () => number,
    private readonly isFaultless: boolean,
  ) {}

  /** Before the book knows of it. */
  onCall(call: HandlerCall): void {
    const { book, mirror, violate } = this;
    const work = book.of(call);
    // Transactions judge for themselves whether they may.
    if (!work || !("key" in call.work)) return;
    const what = `${call.work.key} (${work.id})`;
    if (work.endedUnbegun) violate("began after it was canceled", what);
    if (work.mayBegin-- <= 0) violate("canceled, and tried again", what);
    const late = this.now() - (mirror.work(work.id)?.expireAt ?? Infinity);
    if (late > CALL_MS) violate("began after it expired", `${what}: ${late}`);
  }

  /** The code of an action's handler begins. */
  onBegin(key: string): void {
    const work = this.book.ofKey(key);
    if (!work) return;
    work.begun += 1;
    if (work.begun > work.allowed && !work.endedOutside) {
      this.violate("too many attempts", `${key}: ${work.begun}`);
    }
  }

  /** Before the mirror knows of it. */
  beforeCommit(commit: CommittedWrites): void {
    this.judgeTransactions(commit);
    for (const { after } of ofTable(commit, "lifeDone", "")) {
      const { op, workId, answer } = after!;
      const work = this.book.works.get(workId);
      if (op !== "cancel" || !work) continue;
      if (answer === "signaled") {
        // What an executor was given, and has not begun, may still begin.
        const most = this.book.runs(work.id) ? 0 : 1;
        work.mayBegin = Math.min(work.mayBegin, most);
      }
      if (answer === "canceled" && this.waits(work.id))
        work.endedUnbegun = true;
    }
    for (const { before, after } of ofTable(commit, "complete")) {
      if (before === null && after) this.judgeOutcome(after);
    }
    for (const { id, before, after } of ofTable(commit, "work")) {
      if (after?.suspended !== undefined && before?.suspended === undefined) {
        this.judgeSuspension(id);
      }
    }
  }

  /** Of attempts that overlap, nobody here knows which was last. */
  private judgeSuspension(id: string): void {
    const work = this.book.works.get(id);
    if (!work || !this.isFaultless || work.lastDeed === "suspend") return;
    const history: { reason?: string }[] = work.row.history ?? [];
    if (history.some(({ reason }) => reason === "timedOut")) return;
    const details = `${id}: the last call was to ${work.lastDeed}`;
    this.violate("suspended by an attempt that is over", details);
  }

  private waits(id: string): boolean {
    const { mirror } = this;
    if (mirror.work(id)?.follows !== undefined) return true;
    return [...mirror.rows("pendingStart")].some(({ works }) =>
      works.includes(id),
    );
  }

  private judgeTransactions(commit: CommittedWrites): void {
    for (const { after } of ofTable(commit, "lifeCalls", "")) {
      const { key, call, at } = after!;
      const work = this.book.ofKey(key);
      if (call !== 0 || !work) continue;
      const expireAt: number = this.mirror.work(work.id)?.expireAt ?? Infinity;
      if (at - expireAt > TRANSACTION_MS) {
        this.violate("began after it expired", `${key}: ${at - expireAt}`);
      }
      if (work.endedUnbegun) {
        this.violate("began after it was canceled", key);
      }
    }
  }

  private judgeOutcome({ workId, fnType, attempts, result }: any): void {
    const work = this.book.works.get(workId);
    if (!work) return;
    if (String(result.returnValue ?? "").startsWith("hang")) {
      this.violate("a late result counted", `${workId}: ${result.returnValue}`);
    }
    if (fnType !== "action" || result.kind === "canceled") return;
    if (work.endedOutside) return;
    const isWrong = this.isFaultless
      ? attempts !== work.begun
      : attempts < work.begun;
    if (isWrong) {
      const details = `${workId} began ${work.begun} times, counted ${attempts}`;
      this.violate("attempts that were counted wrong", details);
    }
    const most = Math.max(
      work.allowed,
      work.row.retryBehavior?.maxAttempts ?? 1,
    );
    if (attempts > most) {
      this.violate("more attempts than allowed", `${workId}: ${attempts}`);
    }
  }
}

/**
 * One outcome and one callback for each round of a work; `get` tells the callback of it; a round begins when
 * the app was told of the one before, and for as many works as the call that began them says.
 */
import type { CommittedWrites } from "../../../embedded/src/storage/types.js";
import type { Violate } from "../../checks/check.js";
import type { Mirror } from "../../mirror.js";
import { type Book, ofTable } from "../book.js";

export class RoundsCheck {
  constructor(
    private readonly book: Book,
    private readonly violate: Violate,
  ) {}

  /** When the book knows of it. */
  afterCommit(commit: CommittedWrites): void {
    const begun = this.begun(commit);
    for (const { after } of ofTable(commit, "lifeDone", "")) {
      const { op, answer } = after!;
      if (op === "retry" && answer.matched !== begun) {
        this.violate(
          "rounds that nobody asked for",
          `${begun} began, ${answer.matched} matched`,
        );
      }
    }
    for (const { after } of ofTable(commit, "outcomes", "")) this.told(after!);
  }

  private begun(commit: CommittedWrites): number {
    let begun = 0;
    for (const { id, before, after } of ofTable(commit, "work")) {
      if (!before || !after) continue;
      const round: number = after.round ?? 0;
      if (round === (before.round ?? 0)) continue;
      begun += 1;
      const { told, wanted } = this.book.works.get(id)!;
      if (told !== wanted) {
        const details = `${id}: round ${round}, told ${told} times`;
        this.violate("a round before its callback", details);
      }
    }
    return begun;
  }

  private told({ workId, result }: any): void {
    const work = this.book.works.get(workId);
    if (!work) return;
    const { kind, value, state, round } = result;
    if (work.told > work.wanted) {
      const details = `${workId}: ${work.told} in round ${work.round}`;
      this.violate("two callbacks", details);
    }
    if (state !== null && state !== kind) {
      this.violate("a callback told two outcomes", `${kind}, ${state}`);
    }
    if (state !== null && (round ?? 0) !== work.round) {
      this.violate("wrong round", `${round} instead of ${work.round}`);
    }
    if (String(value).startsWith("hang")) {
      this.violate("a late result counted", `${workId}: ${value}`);
    }
  }

  /** At rest. */
  end(mirror: Mirror): void {
    const failed = new Set(
      [...mirror.rows("complete")]
        .filter(({ callback }) => callback?.state === "failed")
        .map(({ workId }) => workId),
    );
    for (const { id, round, told, wanted } of this.book.works.values()) {
      if (told !== wanted && !failed.has(id)) {
        this.violate(
          "callbacks and rounds that differ",
          `${id} (${this.book.keysOf(id)}): ${told} of ${wanted} callbacks, ${round + 1} rounds`,
        );
      }
    }
  }
}

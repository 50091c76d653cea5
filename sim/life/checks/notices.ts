/** `onFailed` is told once of every failure, and of nothing else. */
import type { CommittedWrites } from "../../../embedded/src/storage/types.js";
import type { Violate } from "../../checks/check.js";
import { type Book, ofTable } from "../book.js";

type Failure = { workId: string; round: number };
const nameOf = ({ workId, round }: Failure) => `${workId}, round ${round}`;

export class NoticesCheck {
  /** How often it was told of each failure that is owed to it. */
  private readonly told = new Map<string, number>();

  constructor(
    private readonly book: Book,
    private readonly violate: Violate,
  ) {}

  /** When the book knows of it. */
  afterCommit(commit: CommittedWrites): void {
    const { told, violate } = this;
    for (const { before, after } of ofTable(commit, "notice")) {
      if (before !== null || !after) continue;
      const failure = nameOf(after.notice);
      if (told.has(failure)) violate("a failure that is owed twice", failure);
      told.set(failure, 0);
    }
    for (const { before, after } of ofTable(commit, "complete")) {
      if (before !== null || !after) continue;
      const { workId, result, round = 0 } = after;
      if (!this.book.works.get(workId)?.row.onFailed) continue;
      const isOwed = told.has(nameOf({ workId, round }));
      if (isOwed !== (result.kind === "failed")) {
        violate("a failure that nobody is told of", `${workId}: ${isOwed}`);
      }
    }
    for (const { after } of ofTable(commit, "alarms", "")) {
      const failure = nameOf(after as unknown as Failure);
      const times = (told.get(failure) ?? NaN) + 1;
      if (times !== 1) violate("told of it otherwise", `${failure}: ${times}`);
      told.set(failure, times);
    }
  }

  /** At rest. */
  end(): void {
    for (const [failure, times] of this.told) {
      if (times === 0) this.violate("a failure that was not told of", failure);
    }
  }
}

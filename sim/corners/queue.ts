/** How many works of a queue wait that are due, kept up to date entry by entry. */
interface Entry {
  dueAt: number;
  works: number;
}

export class Queue {
  private readonly entries = new Map<string, Entry>();
  /** Of the entries above, those that were not due when last looked. */
  private readonly later = new Set<string>();
  private nextDueAt = Infinity;
  private due = 0;

  constructor(private readonly isCounted: (workId: string) => boolean) {}

  put(id: string, dueAt: number, works: readonly string[]): void {
    const count = works.filter(this.isCounted).length;
    this.entries.set(id, { dueAt, works: count });
    this.later.add(id);
    this.nextDueAt = Math.min(this.nextDueAt, dueAt);
  }

  remove(id: string): void {
    const entry = this.entries.get(id);
    if (entry === undefined) return;
    this.entries.delete(id);
    if (!this.later.delete(id)) this.due -= entry.works;
  }

  /** Works that are due at this time, as clocks show it. */
  dueAt(now: number): number {
    if (now < this.nextDueAt) return this.due;
    this.nextDueAt = Infinity;
    for (const id of this.later) {
      const { dueAt, works } = this.entries.get(id)!;
      if (dueAt <= now) {
        this.later.delete(id);
        this.due += works;
      } else {
        this.nextDueAt = Math.min(this.nextDueAt, dueAt);
      }
    }
    return this.due;
  }
}

/** A unique key is held by one work, as long as its scope says. */
import type { CommittedWrites } from "../../../embedded/src/storage/types.js";
import type { Violate } from "../../checks/check.js";
import type { Mirror, StoredRow } from "../../mirror.js";
import { ofTable } from "../book.js";

/** From the app's look at the clock to the component's, in one transaction. */
const WINDOW_MS = 100;

export class KeysCheck {
  /** The work that was enqueued last with each key, and when. */
  private readonly last = new Map<string, { id: string; at: number }>();

  constructor(
    private readonly mirror: Mirror,
    private readonly violate: Violate,
    /** The keys whose holder keeps them until it has ended, at least. */
    private readonly exclusive: ReadonlySet<string>,
  ) {}

  /** Before the mirror knows of it. */
  beforeCommit(commit: CommittedWrites): void {
    for (const { after } of ofTable(commit, "lifeDone", "")) {
      if (after!.op === "unique") this.judge(after!);
    }
  }

  private judge({ workId, answer, at }: StoredRow): void {
    const { unique, isNew, replaced } = answer;
    const { key, scope, onDuplicate } = unique;
    const last = this.last.get(key);
    if (isNew) this.last.set(key, { id: workId, at });
    const what = `${key} (${JSON.stringify(scope)}, ${onDuplicate}): ${workId}`;
    if (!isNew && !this.held(workId, key, scope)) {
      this.violate("a key that nobody held", what);
    }
    if (replaced && !this.isUntouched(workId)) {
      this.violate("replaced what had begun", what);
    }
    if (!isNew && onDuplicate === "replace" && !replaced) {
      if (this.isUntouched(workId)) this.violate("was not replaced", what);
    }
    if (!isNew || !last) return;
    const isHeld =
      typeof scope === "object"
        ? at < last.at + scope.windowMs - WINDOW_MS
        : scope === "waiting"
          ? this.isUntouched(last.id)
          : this.held(last.id, key, scope);
    const follows = onDuplicate === "runAgain" && !this.isUntouched(last.id);
    if (isHeld && !follows) this.violate("a key that was held", what);
  }

  private held(id: string, key: string, scope: unknown): boolean {
    const { mirror } = this;
    if (typeof scope === "object") {
      const rows = [...mirror.rows("unique")];
      return rows.some((row) => row.key === key && row.workId === id);
    }
    if (scope === "waiting") return this.isUntouched(id);
    if (mirror.work(id)) return true;
    if (scope === "active") return false;
    return [...mirror.rows("complete")].some(({ workId }) => workId === id);
  }

  /** It was never attempted, and waits. */
  private isUntouched(id: string): boolean {
    const { mirror } = this;
    const work = mirror.work(id);
    if (!work || (work.attempts ?? 0) > 0 || work.hops) return false;
    if (work.follows !== undefined) return true;
    return [...mirror.rows("pendingStart")].some(({ works }) =>
      works.includes(id),
    );
  }

  /** When the mirror knows of it: as many as the scope allows. */
  afterCommit(commit: CommittedWrites): void {
    const isConcerned = ofTable(commit, "work").some(
      ({ after }) => after?.uniqueKey !== undefined,
    );
    if (!isConcerned) return;
    const live = new Map<string, string>();
    for (const { _id, uniqueKey, follows } of this.mirror.works()) {
      if (!uniqueKey || !this.exclusive.has(uniqueKey)) continue;
      const place = `${uniqueKey}, ${follows === undefined ? "goes on" : "follows"}`;
      const other = live.get(place);
      if (other) {
        this.violate("two works with one key", `${place}: ${other}, ${_id}`);
      }
      live.set(place, _id);
    }
  }
}

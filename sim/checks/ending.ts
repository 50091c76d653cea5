/** What must be true once faults have stopped and nothing happens any more. */
import { isUnfinished } from "../jobs.js";
import type { Ledger, Outcome } from "../ledger.js";
import type { Mirror, StoredRow } from "../mirror.js";
import type { PlannedWork } from "../workload.js";
import type { Violate } from "./check.js";

/** Everything the component keeps while there is work, and nothing else, beside the works. */
const WORKING_TABLES = [
  "pendingStart",
  "running",
  "executor",
  "executorStats",
  "recovery",
];

export function checkRest(mirror: Mirror, violate: Violate): void {
  const leftOver = (table: string, rows: Iterable<StoredRow>): void => {
    const ids = [...rows].map(({ _id }) => _id);
    if (ids.length > 0)
      violate("rows left over", `${table}: ${ids.join(", ")}`);
  };
  for (const table of WORKING_TABLES) leftOver(table, mirror.rows(table));
  leftOver("work", mirror.works());
  for (const { name, state } of mirror.rows("_scheduled_functions")) {
    if (isUnfinished(state)) violate("scheduled function left over", name);
  }
  const status = mirror.single("runStatus");
  if (status && (status.state.kind !== "idle" || status.validUntil !== null)) {
    violate("not idle", JSON.stringify(status));
  }
  const state = mirror.single("loopState");
  if (state && (state.assigned.length > 0 || state.watch !== null)) {
    violate("watches though it is idle", JSON.stringify(state));
  }
}

export function checkWorks(
  works: ReadonlyMap<string, PlannedWork>,
  ledger: Ledger,
  mirror: Mirror,
  violate: Violate,
): void {
  const retained = new Map(
    [...mirror.rows("complete")].map((row) => [row.workId as string, row]),
  );
  for (const [key, ids] of ledger.enqueued) {
    if (ids.length > 1) violate("enqueued twice", key);
    for (const workId of ids) {
      new WorkCheck(
        works.get(key)!,
        retained.get(workId),
        ledger.outcomes.get(workId) ?? [],
        ledger,
        violate,
      ).everything();
      retained.delete(workId);
      ledger.outcomes.delete(workId);
    }
  }
  for (const workId of [...retained.keys(), ...ledger.outcomes.keys()]) {
    violate("outcome of a work that nobody enqueued", workId);
  }
}

class WorkCheck {
  private readonly key: string;
  /** Null: nobody was told, and it was not retained. */
  private readonly kind: Outcome["kind"] | null;

  constructor(
    private readonly work: PlannedWork,
    private readonly retained: StoredRow | undefined,
    private readonly told: Outcome[],
    private readonly ledger: Ledger,
    private readonly violate: Violate,
  ) {
    this.key = work.args.key;
    this.kind = retained?.result.kind ?? told[0]?.kind ?? null;
  }

  everything(): void {
    this.callback();
    if (this.work.fnType === "mutation") this.effects();
    if (this.work.fnType === "action") this.attempts();
    this.cancelation();
    if (this.work.fn.endsWith("InTrouble") && this.kind === "success") {
      this.violate("success that cannot be", this.key);
    }
  }

  private callback(): void {
    const { key, kind, told, retained, violate } = this;
    // As `app/convex/works.ts` has it.
    const { onComplete = "record", excludeKinds = [] } = this.work;
    if (told.length > 1) violate("two callbacks", key);
    const [first] = told;
    if (first && (!onComplete || excludeKinds.includes(first.kind))) {
      violate("callback that nobody wanted", `${key}: ${first.kind}`);
    }
    if (first && first.kind !== kind) {
      violate("two outcomes", `${key}: ${first.kind} and ${kind}`);
    }
    const recorded = retained?.callback?.state;
    if (recorded === "owed") violate("callback still owed", key);
    if (recorded === "failed" && first) {
      violate("callback that ran and counts as failed", key);
    }
    if (!onComplete || first || recorded === "failed") return;
    const unwanted =
      kind === null ? excludeKinds.length > 0 : excludeKinds.includes(kind);
    if (!unwanted) violate("callback that never ran", `${key}: ${kind}`);
  }

  private effects(): void {
    const { key, kind } = this;
    const effects = this.ledger.effects.get(key) ?? 0;
    const expected =
      kind === null ? effects <= 1 : effects === (kind === "success" ? 1 : 0);
    if (!expected) {
      this.violate("wrong effects", `${key} (${kind}) had ${effects}`);
    }
  }

  private attempts(): void {
    const { key, kind, retained, work } = this;
    const begun = this.ledger.begun.get(key)?.length ?? 0;
    const allowed = typeof work.retry === "object" ? work.retry.maxAttempts : 1;
    if (begun > allowed) {
      this.violate("too many attempts", `${key}: ${begun} of ${allowed}`);
    }
    if (retained && begun > retained.attempts) {
      this.violate(
        "attempt that was not counted",
        `${key} began ${begun} times, counted ${retained.attempts}`,
      );
    }
    if (kind === "success" && begun === 0) {
      this.violate("success without an attempt", key);
    }
  }

  private cancelation(): void {
    const { key, kind, ledger, violate } = this;
    const canceled = ledger.canceled.get(key);
    if (canceled === undefined) return;
    const begun = ledger.begun.get(key) ?? [];
    const before = begun.filter(({ at }) => at <= canceled.at).length;
    const after = begun.filter(({ at, isDead }) => at > canceled.at && !isDead);
    // What was on its way to its handler may still begin.
    const onItsWay =
      canceled.was !== "pending" && before <= canceled.attempts ? 1 : 0;
    if (after.length > onItsWay) {
      violate(
        "began after it was canceled",
        `${key}, ${canceled.was} then, ${after.length} times`,
      );
    }
    if (canceled.was === "pending" && kind !== null && kind !== "canceled") {
      violate("canceled while pending, and ended otherwise", `${key}: ${kind}`);
    }
  }
}

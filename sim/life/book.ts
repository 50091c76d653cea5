/**
 * What has become of each work of a history of the profile `life`: from the commits, and from
 * the calls of handlers.
 */
import type { CommittedWrites } from "../../embedded/src/storage/types.js";
import { COMPONENT } from "../jobs.js";
import type { StoredRow } from "../mirror.js";
import type { HandlerCall } from "../runs.js";

/** A handler that an executor calls. */
export interface OpenCall {
  call: HandlerCall;
  workId: string;
  at: number;
  /** How long it may take, if that was declared. */
  timeoutMs: number;
  releases: boolean;
}

/** One work. */
export interface LifeWork {
  id: string;
  /** Its row, as it was last. */
  row: StoredRow;
  round: number;
  /** Callbacks that ran, and ends that wanted one. */
  told: number;
  wanted: number;
  /** Calls of its handler since attempts were last counted anew, without those that were asked to come later. */
  begun: number;
  allowed: number;
  /** It waited, and a cancel ended it. */
  endedUnbegun: boolean;
  /** Somebody else ended it, in some round: an attempt that a worker had then is counted nowhere. */
  endedOutside: boolean;
  /** What the handler that was called last was to do. */
  lastDeed: string | null;
  /** Handlers that may still be called for it. Infinity: nobody has canceled it. */
  mayBegin: number;
}

type Write = CommittedWrites["writes"][number];
type Value = Record<string, any>;

/** A write of the component, to a row of this table. */
export function ofTable(
  { writes }: CommittedWrites,
  table: string,
  namespace = COMPONENT,
): { id: string; before: StoredRow | null; after: StoredRow | null }[] {
  const valueOf = (version: Write["after"]) =>
    (version?.value ?? null) as unknown as StoredRow | null;
  return writes
    .filter((each) => each.table === table && each.namespace === namespace)
    .map(({ id, before, after }) => ({
      id: id as string,
      before: valueOf(before),
      after: valueOf(after),
    }));
}

const isOver = (row: StoredRow | null) => row?.endedAt !== undefined || !row;

export class Book {
  readonly works = new Map<string, LifeWork>();
  readonly open = new Map<HandlerCall, OpenCall>();
  /** The work of each key that a client has enqueued. */
  private readonly ids = new Map<string, string>();

  constructor(private readonly elapsed: () => number) {}

  of(call: HandlerCall): LifeWork | undefined {
    const { work } = call;
    return "key" in work ? this.ofKey(work.key) : this.works.get(work.workId);
  }

  ofKey(key: string): LifeWork | undefined {
    return this.works.get(this.ids.get(key) ?? "");
  }

  /** For people: which keys a work was enqueued under. */
  keysOf(id: string): string {
    const keys = [...this.ids.keys()].filter((key) => this.ids.get(key) === id);
    return keys.join(", ");
  }

  /** Before anybody looks. */
  apply(commit: CommittedWrites): void {
    for (const { after } of ofTable(commit, "enqueued", "")) {
      if (after) this.ids.set(after.key, after.workId);
    }
    for (const { id, before, after } of ofTable(commit, "work")) {
      if (after) this.write(id, before, after);
      const hasEnded = before?.endedAt === undefined && isOver(after);
      const work = before && this.works.get(id);
      if (hasEnded && work?.row.onComplete) work.wanted += 1;
    }
    for (const { after } of ofTable(commit, "lifeDone", "")) {
      const { workId, answer } = after as Value;
      const work = this.works.get(workId);
      if (work && answer === "completed") work.endedOutside = true;
    }
    for (const { after } of ofTable(commit, "lifeCalls", "")) {
      const { key, does } = after as Value;
      const work = this.ofKey(key);
      if (work) work.lastDeed = does;
      if (work && (does === "snooze" || does === "limit")) work.begun -= 1;
    }
    for (const { after } of ofTable(commit, "outcomes", "")) {
      const work = this.works.get((after as Value).workId);
      if (work) work.told += 1;
    }
  }

  private write(id: string, before: StoredRow | null, row: StoredRow): void {
    const maxAttempts: number = row.retryBehavior?.maxAttempts ?? 1;
    const known = this.works.get(id);
    if (!known) {
      this.works.set(id, {
        id,
        row,
        round: 0,
        told: 0,
        wanted: 0,
        begun: 0,
        allowed: maxAttempts,
        endedUnbegun: false,
        endedOutside: false,
        lastDeed: null,
        mayBegin: Infinity,
      });
      return;
    }
    known.row = row;
    if ((row.hops ?? 0) > (before?.hops ?? 0)) known.begun = 0;
    known.allowed = Math.max(maxAttempts, known.allowed);
    const round: number = row.round ?? 0;
    if (round <= (before?.round ?? 0)) return;
    known.round = round;
    // Whoever canceled it before it failed, of this round nobody has.
    known.mayBegin = Infinity;
    if (row.attempts === undefined) {
      known.begun = 0;
      known.allowed = maxAttempts;
    } else known.allowed = Math.max(maxAttempts, row.attempts + 1);
  }

  onCall(call: HandlerCall): void {
    const work = this.of(call);
    if (!work) return;
    const { timeoutMs = Infinity, onTimeout } = work.row;
    const isAction = "key" in call.work;
    this.open.set(call, {
      call,
      workId: work.id,
      at: this.elapsed(),
      timeoutMs: isAction ? timeoutMs : Infinity,
      releases: onTimeout === "release",
    });
  }

  onReturn(call: HandlerCall): void {
    this.open.delete(call);
  }

  /** Handlers that run on though their slots were given on. */
  get released(): number {
    const now = this.elapsed();
    return [...this.open.values()].filter(
      ({ releases, at, timeoutMs }) => releases && now >= at + timeoutMs,
    ).length;
  }

  /** Whether a handler runs for it whose time is not over. */
  runs(id: string): boolean {
    const now = this.elapsed();
    return [...this.open.values()].some(
      ({ workId, at, timeoutMs }) =>
        workId === id && now < at + timeoutMs - 100,
    );
  }
}

/**
 * The recent commits, for validation, for readers of older snapshots and for
 * {@link Database.changedSince}, and when they may be forgotten.
 */
import type { IndexState } from "./catalog.js";
import type { Document } from "./document.js";
import type { CommittedWrites, IndexChange, Ts } from "./types.js";

export interface StoredChange extends IndexChange {
  /** Null for the change of a schema. */
  readonly state: IndexState | null;
  /** What `after` leads to. */
  readonly document: Document | null;
}

export interface CommitRecord extends CommittedWrites {
  readonly seq: number;
  readonly changes: StoredChange[];
}

export interface Retention {
  /** How long a snapshot stays readable after the next commit. */
  ms: number;
  /** How many commits are remembered for `changedSince` however old they are. */
  commits: number;
}

export const DEFAULT_RETENTION: Retention = { ms: 30_000, commits: 1_000 };

/** Keeps the work of one commit bounded after a long pause. */
const LARGEST_TRIM = 256;

export class CommitLog {
  private records: CommitRecord[] = [];
  /** Where the log starts in `records`: shifting them one by one would be slow. */
  private start = 0;
  /** The newest commit that is no longer in the log. */
  private base: { seq: number; ts: Ts };
  private horizon: number;

  constructor(
    ts: Ts,
    private readonly retention: Retention,
  ) {
    this.base = { seq: 0, ts };
    this.horizon = 0;
  }

  get latest(): { seq: number; ts: Ts } {
    return this.records.at(-1) ?? this.base;
  }

  /** The oldest snapshot that can still be read. */
  get oldestReadable(): number {
    return this.horizon;
  }

  append(record: CommitRecord): void {
    this.records.push(record);
  }

  /** The commits after `seq`, oldest first; null when some are forgotten. */
  after(seq: number): readonly CommitRecord[] | null {
    if (seq < this.base.seq) return null;
    return this.records.slice(this.start + (seq - this.base.seq));
  }

  /** The newest commit not after `ts`; null when it is forgotten. */
  at(ts: Ts): { seq: number; ts: Ts } | null {
    const latest = this.latest;
    if (ts >= latest.ts) return latest;
    if (ts < this.base.ts) return null;
    let low = this.start;
    let high = this.records.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.records[middle]!.ts <= ts) low = middle + 1;
      else high = middle;
    }
    return low === this.start ? this.base : this.records[low - 1]!;
  }

  /** Forgets what is old enough at `nowNs`: versions by age, records by age and number. */
  trim(nowNs: bigint): void {
    const oldest = nowNs - BigInt(Math.round(this.retention.ms * 1e6));
    let budget = LARGEST_TRIM;
    let next = this.start + (this.horizon - this.base.seq);
    while (budget-- > 0) {
      const record = this.records[next];
      if (record === undefined || record.ts >= oldest) break;
      this.horizon = record.seq;
      for (const { state, before, after } of record.changes) {
        if (state === null) continue;
        if (before !== null) state.versions.trim(before, record.seq);
        if (after !== null && after !== before) {
          state.versions.trim(after, record.seq);
        }
      }
      next++;
    }
    while (
      this.records.length - this.start > this.retention.commits &&
      this.records[this.start]!.seq <= this.horizon
    ) {
      const { seq, ts } = this.records[this.start++]!;
      this.base = { seq, ts };
    }
    if (this.start > 1024 && this.start > this.records.length / 2) {
      this.records = this.records.slice(this.start);
      this.start = 0;
    }
  }
}

import type { Catalog } from "./catalog.js";
import { RecordedReads } from "./read-set.js";
import { SnapshotReader } from "./snapshot-reader.js";
import { DeveloperError } from "./types.js";
import type { Limits, Namespace, ReadSet, Transaction } from "./types.js";

/** The begin snapshot, or an older one, alone: no own writes, no dependencies, no writing. */
export class StaleView extends SnapshotReader implements Transaction {
  override readonly reads = null;
  readonly readSet: ReadSet = new RecordedReads();
  readonly hasWrites = false;

  override ownDocument(): undefined {
    return undefined;
  }

  override ownEntries(): null {
    return null;
  }

  override catalog(namespace: Namespace): Catalog {
    return this.store.catalogAt(namespace, this.seq);
  }

  insert(): never {
    return refuseWrite();
  }
  patch(): never {
    return refuseWrite();
  }
  replace(): never {
    return refuseWrite();
  }
  remove(): never {
    return refuseWrite();
  }
  countScheduled(): never {
    return refuseWrite();
  }

  /** Budgets of nested calls count on a stale snapshot as well. */
  beginSub(limits?: Partial<Limits>): void {
    this.meter.enter(limits);
  }
  commitSub(): void {
    this.meter.leave();
  }
  rollbackSub(): void {
    this.meter.leave();
  }

  staleView(): Transaction {
    return this;
  }
}

function refuseWrite(): never {
  throw new DeveloperError("A stale snapshot can only be read.");
}

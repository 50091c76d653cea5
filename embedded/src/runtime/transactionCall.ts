/** One running query or mutation: what its syscalls work with. */
import type { Transaction } from "../storage/types.js";
import type { RequestContext, RuntimeContext } from "./context.js";
import type { CallLog } from "./log.js";
import type { SeededGenerator } from "./random.js";
import type { App, FunctionAddress } from "./types.js";

export interface TransactionCall {
  context: RuntimeContext;
  app: App;
  type: "query" | "mutation";
  address: FunctionAddress;
  /** Shared with the callers above; a snapshot query sees a stale view. */
  transaction: Transaction;
  /** 0 for a top-level call. */
  depth: number;
  /** Frozen, in milliseconds; the same for all calls of a transaction. */
  now: number;
  random: SeededGenerator;
  request: RequestContext;
  log: CallLog;
  journal: Journal;
}

/**
 * Where the page of a paginated query ended. A subscription that re-runs keeps
 * the end of its page, however many rows came or went, so that neighbouring
 * pages still meet.
 */
export interface Journal {
  readonly previousEnd: string | null;
  nextEnd: string | null;
}

export function newJournal(previousEnd: string | null = null): Journal {
  return { previousEnd, nextEnd: null };
}

/**
 * What a query or mutation of these cases does, as data: the case that wants to see a
 * conflict says on one line what is read and on the next what is written meanwhile.
 */

/** A document's id, or "@name" for what an insert of the same call was called. */
export type Ref = string;
export type Bound = ["eq" | "lt" | "lte" | "gt" | "gte", string, unknown];

export interface Find {
  op: "find";
  table: string;
  index?: string;
  range?: Bound[];
  order?: "asc" | "desc";
  /** Kept when the field equals the value. */
  filter?: [string, unknown];
  end: "collect" | "first" | "unique" | number;
}

export interface PageStep {
  op: "page";
  table: string;
  index?: string;
  range?: Bound[];
  order?: "asc" | "desc";
  filter?: [string, unknown];
  options: Record<string, unknown>;
}

export type Step =
  | { op: "insert"; table: string; value: unknown; as?: string }
  | { op: "get"; id: Ref }
  | { op: "patch"; id: Ref; value: Record<string, unknown> }
  | { op: "unset"; id: Ref; field: string }
  | { op: "replace"; id: Ref; value: Record<string, unknown> }
  | { op: "delete"; id: Ref }
  | { op: "normalizeId"; table: string; id: string }
  | Find
  | PageStep
  | { op: "schedule"; delayMs: number }
  /** In a sub-transaction of its own; "stale": on the begin snapshot, without dependencies. */
  | { op: "nested"; kind: "mutation" | "query" | "stale"; steps: Step[] }
  /** The same in a component. */
  | { op: "ledger"; kind: "mutation" | "query"; steps: Step[] }
  /** The steps' results, or the message with which one of them failed. */
  | { op: "try"; steps: Step[] }
  | { op: "throw"; message: string }
  | { op: "snapshotTs" }
  | { op: "stamp"; label: string };

export type Result = any;

// How the cases write them down.
export const insert = (
  table: string,
  value: Record<string, unknown>,
  as?: string,
): Step => ({ op: "insert", table, value, ...(as && { as }) });
export const get = (id: Ref): Step => ({ op: "get", id });
export const patch = (id: Ref, value: Record<string, unknown>): Step => ({
  op: "patch",
  id,
  value,
});
export const replace = (id: Ref, value: Record<string, unknown>): Step => ({
  op: "replace",
  id,
  value,
});
export const remove = (id: Ref): Step => ({ op: "delete", id });
export const find = (
  table: string,
  how: Partial<Omit<Find, "op" | "table">> = {},
): Step => ({ op: "find", table, end: "collect", ...how });
export const page = (
  table: string,
  options: Record<string, unknown>,
  how: Partial<Omit<PageStep, "op" | "table">> = {},
): Step => ({
  op: "page",
  table,
  options: { cursor: null, ...options },
  ...how,
});
export const nested = (...steps: Step[]): Step => ({
  op: "nested",
  kind: "mutation",
  steps,
});
export const nestedQuery = (...steps: Step[]): Step => ({
  op: "nested",
  kind: "query",
  steps,
});
export const stale = (...steps: Step[]): Step => ({
  op: "nested",
  kind: "stale",
  steps,
});
export const inLedger = (...steps: Step[]): Step => ({
  op: "ledger",
  kind: "mutation",
  steps,
});
export const attempt = (...steps: Step[]): Step => ({ op: "try", steps });
export const fail = (message = "on purpose"): Step => ({
  op: "throw",
  message,
});

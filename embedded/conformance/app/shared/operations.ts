/** What the random transactions are made of. Rows are { key, value, tag }. */

export interface Range {
  low: number;
  high: number;
  order: "asc" | "desc";
  /** At most so many rows. */
  take: number;
  /** Only rows of this value; the filter runs behind the scan. */
  value?: number;
}

export type Operation =
  | { op: "insert"; key: number; value: number; tag: number }
  | { op: "scan"; range: Range }
  /** In a nested query of its own. */
  | { op: "nested scan"; range: Range }
  /** On the begin snapshot. */
  | { op: "stale scan"; range: Range }
  /** The first row of the range gets another key or value. */
  | { op: "move"; range: Range; key: number }
  | { op: "set"; range: Range; value: number }
  | { op: "remove"; range: Range }
  /** In a nested mutation; `fails`: which then throws, and is caught. */
  | { op: "nested"; operations: Operation[]; fails: boolean };

/** [key, value, tag] */
export type SeenRow = [number, number, number];

/** What one operation saw or did. */
export type Seen =
  | { creationTime: number }
  | { rows: SeenRow[] }
  | { row: SeenRow | null }
  | { nested: Seen[] | "failed" };

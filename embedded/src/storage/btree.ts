/**
 * `sorted-btree` is CommonJS with a `default` export, which Node's own ESM loader
 * hands over one level deeper than bundlers do.
 */
import Imported from "sorted-btree";
import type BTreeType from "sorted-btree";

type Constructor = new <V>(
  entries?: [string, V][],
  compare?: (a: string, b: string) => number,
) => BTreeType<string, V>;

const module = Imported as unknown as { default?: Constructor };
const BTree = module.default ?? (Imported as unknown as Constructor);

export type SortedMap<V> = BTreeType<string, V>;

/** An empty ordered map with order keys for keys. */
export function sortedMap<V>(
  compare: (a: string, b: string) => number = compareKeys,
): SortedMap<V> {
  return new BTree<V>(undefined, compare);
}

export function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Both pools, in turns. */
import type { Component } from "./packages.js";

export const COMPONENTS: readonly Component[] = [
  "workpool",
  "@convex-dev/workpool",
];

/** Of either pool. */
export type Pair<T> = Record<Component, T>;

/** In which order they run: whoever comes second finds a machine that is warmer, or more tired. */
export function turn(index: number): readonly Component[] {
  return index % 2 === 0 ? COMPONENTS : [...COMPONENTS].reverse();
}

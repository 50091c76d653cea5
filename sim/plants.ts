/**
 * Bugs to plant, each a textual patch of the component. That each is found is
 * what shows that the simulation's checks see.
 */
import type { Patch } from "./versions.js";

export interface Plant {
  name: string;
  /** What is broken by it. */
  what: string;
  patches: Patch[];
  /** The first seed in whose history it is found, as measured: where the test starts to look. */
  foundBy: number;
}

export const PLANTS: readonly Plant[] = [];

/** Histories that have found something. They run first, so that it is not lost again. */
export interface Regression {
  seed: number;
  /** What it found. */
  found: string;
}

export const REGRESSIONS: readonly Regression[] = [];

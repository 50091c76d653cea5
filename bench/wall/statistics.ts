/** Of several runs: what is typical, and how far they lie apart. */
export interface Spread {
  median: number;
  least: number;
  most: number;
}

export function spread(values: readonly number[]): Spread {
  if (values.length === 0) throw new Error("there are no values to sum up");
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return {
    median:
      sorted.length % 2 === 1
        ? sorted[middle]!
        : (sorted[middle - 1]! + sorted[middle]!) / 2,
    least: sorted[0]!,
    most: sorted.at(-1)!,
  };
}

/** Pair by pair, so that what slowed both down at the time drops out. */
export function ratios(
  numerators: readonly number[],
  denominators: readonly number[],
): Spread {
  return spread(numerators.map((value, run) => value / denominators[run]!));
}

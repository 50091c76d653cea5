export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}

/** Of numbers in order; null if there are none. */
export function percentiles(sorted: number[]): Percentiles | null {
  if (sorted.length === 0) return null;
  const at = (share: number) =>
    round(sorted[Math.ceil(share * sorted.length) - 1]!);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

/** Null if there are none. */
export function mean(values: number[]): number | null {
  if (values.length === 0) return null;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Four decimals are more than a reader wants and enough to compare. */
export function round(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}

/** Of what may be very small: six digits. */
export function significant(value: number): number {
  return Number(value.toPrecision(6));
}

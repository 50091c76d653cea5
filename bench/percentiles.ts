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

/** Of numbers; null if there are none. */
export function mean(values: number[]): number | null {
  if (values.length === 0) return null;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Milliseconds between two times since 1970, whose numbers tell no more than hundredths of one. */
export function elapsed(from: number, to: number): number {
  return Math.round((to - from) * 100) / 100;
}

/** Four decimals are more than a reader wants and enough to compare. */
export function round(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}

/** Of what may be very small: six digits. */
export function significant(value: number): number {
  return Number(value.toPrecision(6));
}

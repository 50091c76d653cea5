export interface Violation {
  rule: string;
  details: string;
  /** Milliseconds since the beginning of the history. */
  at: number;
}

export function describeViolation({ rule, details, at }: Violation): string {
  return `${rule}: ${details} (after ${Math.round(at)} ms)`;
}

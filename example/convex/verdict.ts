/** What an answer of a receiver means for the delivery. */
export type Verdict = "accepted" | "retry" | "refused";

/**
 * A time-out (408), a rate limit (429) and the receiver's own trouble (5xx) pass;
 * everything else that is not a success, redirects included, would be answered
 * the same way again.
 */
export function verdictOn(httpStatus: number): Verdict {
  if (httpStatus >= 200 && httpStatus < 300) {
    return "accepted";
  }
  return httpStatus === 408 || httpStatus === 429 || httpStatus >= 500
    ? "retry"
    : "refused";
}

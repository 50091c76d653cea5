/**
 * A work fails only for a reason that lies with it: its handler throws, or a drawn
 * fault took an executor that had begun it, as often as its retry behaviour allows.
 * Never for the age of an executor, its neighbours, or because it was buffered there.
 */
import type { Outcome } from "../corners/lives.js";
import type { Violate } from "./check.js";

/** What a handler throws whose own call met a drawn fault. */
const OWN_CALL_FAILED = /^Uncaught .*(couldn't be completed|changed while)/;

export function checkBlame(
  violate: Violate,
  /** Works that an executor may have begun just before it died, and had not. */
  doubts: { inDoubt: number },
): (outcome: Outcome) => void {
  return ({ life, kind, error }) => {
    const { spec, lost, phase } = life;
    if (kind !== "failed" || spec.fails) return;
    const attempts =
      spec.fnType === "action" ? (spec.retry?.maxAttempts ?? 1) : Infinity;
    if (lost >= attempts) return;
    if (OWN_CALL_FAILED.test(error ?? "")) return;
    if (/was lost/.test(error ?? "") && doubts.inDoubt > 0) {
      doubts.inDoubt -= 1;
      return;
    }
    violate(
      "failure that nothing explains",
      `${spec.key} (${spec.fnType}, ${spec.ms} ms, last ${phase}, lost ${lost} times): ${error?.slice(0, 200)}`,
    );
  };
}

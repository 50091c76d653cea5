/** Histories that have found something. They run first, so that it is not lost again. */
export interface Regression {
  seed: number;
  /** What it found. */
  found: string;
}

export const REGRESSIONS: readonly Regression[] = [
  {
    seed: 146,
    found:
      "A driver hands on to a chain whose next link was scheduled for the same time before: only one of the two may act.",
  },
  {
    seed: 189,
    found: "A pool that was paused when everything else went well again.",
  },
  {
    seed: 1369,
    found:
      "A guard that took the loop over left it idle, and did not see what was enqueued meanwhile.",
  },
  {
    seed: 3349,
    found:
      "A transaction stays open for long before its code runs: it took its slot before the limit was lowered.",
  },
  {
    seed: 108,
    found:
      "An action waits for a permit before its code runs: it took its slot before the limit was lowered.",
  },
  {
    seed: 18033,
    found: "A tick that loses every race for seconds, each to another client.",
  },
  {
    seed: 12326,
    found:
      "Two ticks that left to each other: one saw the entry of the other as the oldest before it was canceled, the other after.",
  },
  {
    seed: 782,
    found:
      "An executor whose scheduled function was canceled is waited for, and not noticed within seconds.",
  },
  {
    seed: 440,
    found:
      "A transaction that lost a race is tried again after the limit was lowered: it had its slot all the time.",
  },
  {
    seed: 1448,
    found:
      "A canceled executor was handed again what was taken back from it: the guard came again and again, and nothing ran.",
  },
  {
    seed: 1686,
    found: "A context that is deeper than a document may be was refused.",
  },
  {
    seed: 11776,
    found:
      "A callback that takes nine seconds, in the report of the executor that drives the loop.",
  },
  {
    seed: 15647,
    found:
      "Works that come all the time: one always waits, each for a moment only.",
  },
  {
    seed: 547,
    found:
      "A saturated loop without executors was given one, and went on to count as alive for ever.",
  },
];

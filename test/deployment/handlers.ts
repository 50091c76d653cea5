import type { RunObserver } from "../../embedded/src/index.js";

export interface Begun {
  key: string;
  at: number;
  /** How many handlers were in flight then, this one included. */
  inFlight: number;
  /** The scheduled function of the executor that called it. */
  executor: string | null;
}

/**
 * Sees the handlers of works begin and end, from within the deployment: exactly
 * when their code is called and when it has returned.
 */
export class Handlers {
  readonly begun: Begun[] = [];
  inFlight = 0;
  /** Called as a handler begins, before its code runs. */
  onBegin: (begun: Begun) => void = () => {};
  /** Called when its code has returned, or its process is gone. */
  onEnd: (begun: Begun) => void = () => {};

  constructor(private readonly now: () => number) {}

  readonly observer: RunObserver = (
    { component, name },
    args,
    { scheduledId },
  ) => {
    if (component !== "" || !name.startsWith("jobs:")) return null;
    this.inFlight += 1;
    const begun = {
      key: (args as { key: string }).key,
      at: this.now(),
      inFlight: this.inFlight,
      executor: scheduledId,
    };
    this.begun.push(begun);
    this.onBegin(begun);
    return () => {
      this.inFlight -= 1;
      this.onEnd(begun);
    };
  };

  /** How many were in flight at most. */
  get most(): number {
    return Math.max(0, ...this.begun.map(({ inFlight }) => inFlight));
  }
}

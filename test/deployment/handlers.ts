import type { RunObserver } from "../../embedded/src/index.js";

export interface Begun {
  key: string;
  at: number;
  /** How many handlers were in flight then, this one included. */
  inFlight: number;
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

  constructor(private readonly now: () => number) {}

  readonly observer: RunObserver = ({ component, name }, args) => {
    if (component !== "" || !name.startsWith("jobs:")) return null;
    this.inFlight += 1;
    const begun = {
      key: (args as { key: string }).key,
      at: this.now(),
      inFlight: this.inFlight,
    };
    this.begun.push(begun);
    this.onBegin(begun);
    return () => void (this.inFlight -= 1);
  };

  /** How many were in flight at most. */
  get most(): number {
    return Math.max(0, ...this.begun.map(({ inFlight }) => inFlight));
  }
}

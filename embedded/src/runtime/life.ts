/**
 * The life of one run of an action. It ends with the action, or before it when
 * its process dies, its time is up or its caller is over: what an action calls
 * does not outlive it. An action of the Convex runtime is aborted there and then,
 * and one that still waits for a permit leaves the queue. One in Node, which runs
 * in a process of its own, goes on, but nobody counts with it.
 */
import { FunctionError, SystemError } from "./errors.js";

/** What a scheduled function's row says when its process, or the whole deployment, died. */
export const TRANSIENT_ERROR = "Transient error while executing action";

/** It is just gone: what it would have answered nobody knows. */
export class ProcessDeath extends SystemError {
  constructor(why: string) {
    super("InternalServerError", why);
  }

  /** What an action is told that had called it. */
  readonly seenByCaller =
    "Your request couldn't be completed. Try again later.";
}

export type Death = FunctionError | ProcessDeath;

export class Life {
  private death: Death | null = null;
  private readonly mourners = new Set<(death: Death) => void>();

  /**
   * As the platform ends it. What it can say of the function itself (its memory,
   * its time) is an error of the function; a process that is just gone is not.
   */
  kill(why: string): void {
    this.end(
      why === TRANSIENT_ERROR ? new ProcessDeath(why) : new FunctionError(why),
    );
  }

  /** The action is over, however it ended. */
  over(): void {
    this.end(new ProcessDeath("Cancelled"));
  }

  private end(death: Death): void {
    if (this.death !== null) return;
    this.death = death;
    for (const mourner of this.mourners) mourner(death);
    this.mourners.clear();
  }

  /** Calls `mourner` once it ends, at once if it has; returns how to take that back. */
  onEnd(mourner: (death: Death) => void): () => void {
    if (this.death !== null) mourner(this.death);
    else this.mourners.add(mourner);
    return () => void this.mourners.delete(mourner);
  }

  assertAlive(): void {
    if (this.death !== null) throw this.death;
  }
}

import type { RunObserver } from "../../embedded/src/index.js";
import { TRANSIENT_ERROR } from "../../embedded/src/runtime/life.js";

/** What a scheduled function's row says of a death that no work has caused. */
export const SYSTEM_ERROR = TRANSIENT_ERROR;
/** … and of one that a work may have caused. */
export const OUT_OF_MEMORY =
  "JavaScript execution ran out of memory (maximum memory usage: 64 MB)";

/** The processes of executors, by their scheduled functions. Each can die. */
export class Processes {
  private readonly live = new Map<string, (why: string) => void>();

  readonly observer: RunObserver = ({ name }, _args, { scheduledId, kill }) => {
    if (name !== "executor/run:run" || !scheduledId || !kill) return null;
    this.live.set(scheduledId, kill);
    return () => void this.live.delete(scheduledId);
  };

  /** One dies there and then, with all that it called. */
  kill(scheduledId: string, why: string): void {
    this.live.get(scheduledId)?.(why);
  }

  killAll(why: string): void {
    for (const scheduledId of [...this.live.keys()]) {
      this.kill(scheduledId, why);
    }
  }

  /** The deployment went down. */
  forget(): void {
    this.live.clear();
  }

  get count(): number {
    return this.live.size;
  }
}

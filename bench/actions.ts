/**
 * The actions that live on a deployment: what their time costs, and how they
 * die. An action lives no longer than the one that called it, whether that one
 * was killed or met the platform's time limit.
 */
import { moduleOf } from "../embedded/src/runtime/app.js";
import type {
  App,
  FunctionAddress,
  ObservedRun,
} from "../embedded/src/runtime/types.js";

/** What the platform bills an action's time for, used or not. */
const CONVEX_RUNTIME_MB = 64;
const NODE_MB = 512;

const CALLER_IS_GONE = "The action that called this one is gone";

export function memoryMb(app: App, { component, name }: FunctionAddress) {
  const { definitionPath } = app.components[component]!;
  const module = app.definitions[definitionPath]!.modules[moduleOf(name)];
  return module?.environment === "node" ? NODE_MB : CONVEX_RUNTIME_MB;
}

interface LiveAction {
  memoryMb: number;
  scheduledId: string | null;
  killed: boolean;
  kill(why: string): void;
}

/** To be called when an action is over; says whether it was killed. */
export type EndOfAction = () => { killed: boolean };

export class LiveActions {
  readonly #live = new Set<LiveAction>();
  /** The scheduled action in which all actions with its id run. */
  readonly #roots = new Map<string, LiveAction>();
  /** Scheduled actions that are over: nothing begins within them any more. */
  readonly #over = new Set<string>();
  #memoryMb = 0;
  /** Megabyte-milliseconds up to the last change. */
  #used = 0;
  #changed = 0;

  constructor(private readonly now: () => number) {}

  /** Null: its caller is gone, and so is the action. */
  begin(
    memoryMb: number,
    { scheduledId, kill }: Pick<ObservedRun, "scheduledId"> & { kill: Kill },
  ): EndOfAction | null {
    if (scheduledId !== null && this.#over.has(scheduledId)) {
      kill(CALLER_IS_GONE);
      return null;
    }
    const action = { memoryMb, scheduledId, killed: false, kill };
    if (scheduledId !== null && !this.#roots.has(scheduledId)) {
      this.#roots.set(scheduledId, action);
    }
    this.#integrate();
    this.#live.add(action);
    this.#memoryMb += memoryMb;
    return () => this.#end(action);
  }

  /** Every scheduled action ends there and then, and with it those it called. */
  killScheduled(why: string): void {
    for (const action of [...this.#roots.values()]) this.#kill(action, why);
  }

  /** The process died: what lived in it is billed up to here. */
  died(): void {
    this.#integrate();
    this.#live.clear();
    this.#roots.clear();
    this.#memoryMb = 0;
  }

  /** Megabyte-milliseconds so far, those of the living included. */
  used(): number {
    this.#integrate();
    return this.#used;
  }

  #end(action: LiveAction): { killed: boolean } {
    const { killed, scheduledId } = action;
    if (!this.#live.has(action)) return { killed };
    this.#integrate();
    this.#live.delete(action);
    this.#memoryMb -= action.memoryMb;
    if (scheduledId !== null && this.#roots.get(scheduledId) === action) {
      this.#roots.delete(scheduledId);
      this.#over.add(scheduledId);
      for (const other of [...this.#live]) {
        if (other.scheduledId === scheduledId) {
          this.#kill(other, CALLER_IS_GONE);
        }
      }
    }
    return { killed };
  }

  #kill(action: LiveAction, why: string): void {
    action.killed = true;
    action.kill(why);
  }

  #integrate(): void {
    const now = this.now();
    this.#used += this.#memoryMb * (now - this.#changed);
    this.#changed = now;
  }
}

type Kill = NonNullable<ObservedRun["kill"]>;

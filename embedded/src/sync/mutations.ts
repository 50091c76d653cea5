/** The mutations of one client: in order, one at a time. */
import type { Caller } from "../runtime/types.js";
import type { Clock } from "../seams.js";
import type { FunctionCall } from "./protocol.js";

const MAX_PENDING = 1000;
/** Longer than any mutation may take: something is stuck. */
const TIMEOUT_MS = 60_000;

interface Hooks {
  run(call: FunctionCall, caller: Caller): Promise<void>;
  onOverflow(code: string): void;
  onTimeout(): void;
}

export class Mutations {
  readonly #clock: Clock;
  readonly #hooks: Hooks;
  #pending: { call: FunctionCall; caller: Caller }[] = [];
  #running = false;

  constructor(clock: Clock, hooks: Hooks) {
    this.#clock = clock;
    this.#hooks = hooks;
  }

  push(call: FunctionCall, caller: Caller): void {
    if (this.#pending.length >= MAX_PENDING) {
      return this.#hooks.onOverflow("TooManyConcurrentMutations");
    }
    this.#pending.push({ call, caller });
    if (!this.#running) void this.#drain();
  }

  /** What has not begun is forgotten: the client sends it again on its next socket. */
  clear(): void {
    this.#pending = [];
  }

  async #drain(): Promise<void> {
    this.#running = true;
    for (
      let next = this.#pending.shift();
      next !== undefined;
      next = this.#pending.shift()
    ) {
      const timeout = this.#clock.schedule(TIMEOUT_MS, () =>
        this.#hooks.onTimeout(),
      );
      await this.#hooks.run(next.call, next.caller);
      timeout.cancel();
    }
    this.#running = false;
  }
}

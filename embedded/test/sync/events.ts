import type { ConvexClient } from "convex/browser";
import type { FunctionReference } from "convex/server";

/** What a subscription has delivered so far, and a way to wait for more. */
export class Watch<T> {
  readonly results: T[] = [];
  readonly errors: Error[] = [];
  #waiting: { accepts(watch: Watch<T>): boolean; resolve(): void }[] = [];

  result(value: T): void {
    this.results.push(value);
    this.#wake();
  }

  error(error: Error): void {
    this.errors.push(error);
    this.#wake();
  }

  get latest(): T | undefined {
    return this.results.at(-1);
  }

  /** Resolves when `accepts` is true of what was delivered. */
  until(accepts: (watch: Watch<T>) => boolean): Promise<void> {
    if (accepts(this)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ accepts, resolve }));
  }

  #wake(): void {
    const due = this.#waiting.filter(({ accepts }) => accepts(this));
    this.#waiting = this.#waiting.filter((each) => !due.includes(each));
    for (const { resolve } of due) resolve();
  }
}

export function watch<T>(
  client: ConvexClient,
  query: FunctionReference<"query">,
  args: Record<string, unknown>,
): Watch<T> & { stop(): void } {
  const watched = new Watch<T>();
  const stop = client.onUpdate(
    query,
    args,
    (value: T) => watched.result(value),
    (error) => watched.error(error),
  );
  return Object.assign(watched, { stop: () => stop() });
}

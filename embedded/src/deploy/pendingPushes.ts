/** Pushes that were started and not finished, and how a request refers to one. */
import { badRequest } from "../http/errors.js";
import type { Randomness } from "../seams.js";
import type { EvaluatedPush } from "./evaluatePush.js";

/** A CLI that went away leaves one behind. */
const MAX_PENDING = 8;

export interface PendingPush {
  push: EvaluatedPush;
  functions: string;
  /** The variables it was evaluated with: when they change, so may the result. */
  environment: Record<string, string>;
  /** Started only to look at the answer. */
  dryRun: boolean;
}

export class PendingPushes {
  readonly #pushes = new Map<string, PendingPush>();
  readonly #randomness: Randomness;

  constructor(randomness: Randomness) {
    this.#randomness = randomness;
  }

  /** Random ids: one from before a restart must not mean another push now. */
  add(push: PendingPush): string {
    const id = Buffer.from(this.#randomness.bytes(16)).toString("hex");
    this.#pushes.set(id, push);
    for (const oldest of this.#pushes.keys()) {
      if (this.#pushes.size <= MAX_PENDING) break;
      this.#pushes.delete(oldest);
    }
    return id;
  }

  get(id: string): PendingPush | undefined {
    return this.#pushes.get(id);
  }

  delete(id: string): void {
    this.#pushes.delete(id);
  }
}

export function sameEntries(
  a: Record<string, string>,
  b: Record<string, string>,
): boolean {
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => a[name] === b[name])
  );
}

/** The CLI hands back what `startPush` answered; the id is in its `schemaChange`. */
export function pushIdOf(body: unknown, ...path: string[]): string {
  let value = body as Record<string, unknown> | null | undefined;
  for (const key of path) {
    value = value?.[key] as Record<string, unknown> | null | undefined;
  }
  const id = value?.pushId;
  if (typeof id !== "string") {
    throw badRequest(
      "InvalidPush",
      `The request lacks "${path.join(".")}.pushId", as start_push answered it.`,
    );
  }
  return id;
}

/** Late values: arguments whose values are known only when the work begins. */
import { v, type VString } from "convex/values";
import { show } from "../component/refusal.js";
import type { LateArgs } from "../component/shared.js";
import { checkArgs } from "../component/validate.js";
import { decodeWire } from "../component/work/wire.js";
import type { WorkId } from "./types.js";

/** Two copies of the package agree on it. */
const BRAND = Symbol.for("convex-workpool.late");

/** An argument that is filled in when the work begins: see {@link thisWork}. */
export class Late<T> {
  /** What it becomes. Of the types only. */
  declare readonly __becomes: T;

  constructor(kind: LateArgs[string]) {
    Object.defineProperty(this, BRAND, { value: kind });
    // Whoever looks into it takes it for a value, which it is not.
    Object.defineProperty(this, "value", {
      enumerable: true,
      get: () => {
        throw new Error(
          "thisWork can only be an argument of a work that is enqueued.",
        );
      },
    });
  }
}

/** The arguments of a function, each of which may be late. */
export type WithLate<Args> = 0 extends 1 & Args
  ? any
  : Args extends unknown
    ? { [Name in keyof Args]: Args[Name] | Late<Args[Name]> }
    : never;

/**
 * What a function gets for {@link thisWork}. Pass it to {@link Workpool.attach} or {@link attemptOf};
 * what is in it is not for others to read, and no secret.
 */
export type ThisWork = string & { __isThisWork: true };

/** Validates the argument of a function that is enqueued with {@link thisWork}. */
export const vThisWork = v.string() as VString<ThisWork>;

/**
 * Enqueue a function with this as one of its arguments, and it is told which work it is an attempt of:
 *
 * ```ts
 * await pool.enqueueAction(ctx, internal.docs.summarize, { documentId, work: thisWork });
 * ```
 *
 * It has to be an argument itself, and not a part of one. The function validates it with
 * {@link vThisWork}.
 */
export const thisWork: Late<ThisWork> = new Late<ThisWork>("this");

/**
 * Which attempt a function is: of which work, and the how many-th.
 *
 * ```ts
 * export const settle = internalMutation({
 *   args: { orderId: v.id("orders"), work: vThisWork },
 *   handler: async (ctx, { orderId, work }) => {
 *     const { id, number } = attemptOf(work);
 *   },
 * });
 * ```
 *
 * @param work - What was enqueued as {@link thisWork}.
 * @returns `id` of the work; `number` of the attempt, from 1 on; `deadline` by the work's
 *   `timeoutMs`, in milliseconds since 1970, or null.
 * @throws when `work` is something else.
 */
export function attemptOf(work: ThisWork): {
  id: WorkId;
  number: number;
  deadline: number | null;
} {
  const { id, number, deadline } = decodeWire(work);
  return { id: id as WorkId, number, deadline };
}

/**
 * Checks the arguments of an enqueue, and tells those that are late from the others.
 *
 * @throws also where one is late that is no argument itself.
 */
export function splitArgs(
  fnName: string,
  fnArgs: Record<string, unknown>,
): { fnArgs: Record<string, unknown>; size: number; late?: LateArgs } {
  const late = isObject(fnArgs) ? lateOf(fnArgs) : null;
  const given = late ? without(fnArgs, Object.keys(late)) : fnArgs;
  let size: number;
  try {
    size = checkArgs(fnName, given);
  } catch (error) {
    const path = pathOfLate(given, "", 0);
    if (path === null) throw error;
    throw new Error(
      `thisWork can only be an argument of ${fnName} itself, not a part of one: ${path}.`,
      { cause: error },
    );
  }
  return { fnArgs: given, size, ...(late ? { late } : {}) };
}

function lateOf(fnArgs: Record<string, unknown>): LateArgs | null {
  let late: LateArgs | null = null;
  for (const name of Object.keys(fnArgs)) {
    const kind = kindOf(fnArgs[name]);
    if (kind !== undefined) (late ??= {})[name] = kind;
  }
  return late;
}

function kindOf(value: unknown): LateArgs[string] | undefined {
  if (!isObject(value)) return undefined;
  const kind = (value as { [BRAND]?: unknown })[BRAND];
  if (kind === undefined) return undefined;
  if (kind !== "this") {
    throw new Error(
      `A late value ${show(kind)} is not known to this version of convex-workpool.`,
    );
  }
  return kind;
}

/** Deep enough for any argument. */
const MOST_LEVELS = 64;

function pathOfLate(
  value: unknown,
  path: string,
  depth: number,
): string | null {
  if (!isObject(value) || depth > MOST_LEVELS) return null;
  if (kindOf(value)) return path;
  for (const name of Object.keys(value)) {
    const inner = path === "" ? name : `${path}.${name}`;
    const found = pathOfLate(
      (value as Record<string, unknown>)[name],
      inner,
      depth + 1,
    );
    if (found !== null) return found;
  }
  return null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function without(
  record: Record<string, unknown>,
  names: readonly string[],
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).filter(([name]) => !names.includes(name)),
  );
}

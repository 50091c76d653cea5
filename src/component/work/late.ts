/**
 * Late arguments: those whose values are known only when an attempt begins. They are sent beside the
 * arguments, kept on the row of the work, and filled in at each attempt. Pure.
 */
import type { Doc } from "../_generated/dataModel.js";
import { refuse, show } from "../refusal.js";
import type { LateArgs } from "../shared.js";
import { fillIn, WIRE_BYTES } from "./wire.js";

/** How many arguments may be late. */
const MAX_LATE = 16;

/** @returns the bytes that they will take. */
export function checkLate(late: LateArgs, fnArgs: object): number {
  const names = Object.keys(late);
  if (names.length > MAX_LATE) {
    refuse("late", `at most ${MAX_LATE} arguments`, names);
  }
  const both = names.find((name) => Object.hasOwn(fnArgs, name));
  if (both !== undefined) {
    throw new Error(
      `The argument ${show(both)} is given, and late: it can only be one of the two.`,
    );
  }
  return names.reduce((sum, name) => sum + name.length + WIRE_BYTES, 0);
}

/** What an executor needs to fill in the arguments of an action as it begins. */
export function lateOf(
  { attempts }: Pick<Doc<"work">, "attempts">,
  args: LateArgs,
): { args: LateArgs; number: number } {
  return { args, number: (attempts ?? 0) + 1 };
}

/** The arguments of an action that begins now. */
export function argsOf(
  attempt: {
    workId: string;
    fence: number;
    fnArgs?: unknown;
    timeoutMs?: number | undefined;
    late?: { args: LateArgs; number: number } | undefined;
  },
  beganAt: number,
): unknown {
  const { workId, fence, fnArgs, timeoutMs, late } = attempt;
  if (!late) return fnArgs;
  return fillIn(fnArgs, late.args, {
    id: workId,
    number: late.number,
    fence,
    deadline: timeoutMs === undefined ? null : beganAt + timeoutMs,
  });
}

/** The arguments, as far as they are known before the attempt begins: without a deadline, which mutations and queries have none of. */
export function withLate(
  { _id, attempts, fence }: Pick<Doc<"work">, "_id" | "attempts" | "fence">,
  late: LateArgs,
  fnArgs: unknown,
): unknown {
  const number = (attempts ?? 0) + 1;
  return fillIn(fnArgs, late, {
    id: _id,
    number,
    fence: fence ?? 0,
    deadline: null,
  });
}

/**
 * What becomes of a declaration that differs from the one before. Every enqueue
 * carries one, and every enqueue reads the row that keeps it, so that a write is
 * rare: two `Workpool` objects that disagree must not fight over it. Pure.
 *
 * | what is declared differs, and the row changed   | what follows                                              |
 * | ----------------------------------------------- | --------------------------------------------------------- |
 * | less than a minute ago                          | Two objects disagree. The row notes it, once; the declared values stay. |
 * | earlier                                         | The code has changed, or another object's turn has come: the new values are taken over. |
 *
 * Objects that enqueue minutes apart are only told from a changed app by their taking
 * turns: a second return to older values within an hour counts as a disagreement.
 */
import { HOUR, MINUTE } from "../shared.js";
import { type ConfigState, type Declared, same } from "./settings.js";

/** The row changes no more often than this by declarations that differ. */
export const DECLARE_INTERVAL_MS = MINUTE;

/** A disagreement is told of for this long after it was noted last. */
export const DISAGREEMENT_MS = HOUR;

/** So many returns to what was declared before are no roll-back any more. */
const TURNS = 2;

export type Disagreement = {
  /** What is declared now. */
  declared: Declared;
  /** What another object declared. */
  other: Declared;
  /** When this was last noted, in milliseconds since the epoch. */
  at: number;
};

/** Null: the objects agree, as far as is known. */
export function disagreementOf(
  { declared, rival }: Pick<ConfigState, "declared" | "rival">,
  now: number,
): Disagreement | null {
  if (!rival || rival.turns < TURNS || now >= rival.at + DISAGREEMENT_MS) {
    return null;
  }
  return { declared, other: rival.declared, at: rival.at };
}

/**
 * @param declared - What would be declared, should it be taken over.
 * @returns what to write, which is mostly nothing.
 */
export function takeNote(
  state: ConfigState,
  declared: Declared,
  now: number,
): Partial<Pick<ConfigState, "declared" | "declaredAt" | "rival">> {
  const { declaredAt, rival } = state;
  if (same(declared, state.declared)) return {};
  if (now >= declaredAt + DECLARE_INTERVAL_MS) {
    // Before the first declaration nobody has declared anything else.
    if (declaredAt === 0) return { declared, declaredAt: now };
    const isFresh = rival !== undefined && now < rival.at + DISAGREEMENT_MS;
    const before = isFresh ? rival.turns : 0;
    const returns = isFresh && same(rival.declared, declared);
    const turns = Math.min(before + (returns ? 1 : 0), TURNS);
    return {
      declared,
      declaredAt: now,
      rival: { declared: state.declared, at: now, turns },
    };
  }
  const isKnown = disagreementOf(state, now) !== null;
  return isKnown || !differs(declared, state.declared)
    ? {}
    : { rival: { declared, at: now, turns: TURNS } };
}

/** The environment is the app's: that it has changed is no disagreement between objects. */
function differs(a: Declared, b: Declared): boolean {
  const own = ({ maxParallelism, logLevel }: Declared) => ({
    maxParallelism,
    logLevel,
  });
  return !same(own(a), own(b));
}

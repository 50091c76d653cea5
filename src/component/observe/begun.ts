/**
 * Which of the works that an executor was given have begun. Pure.
 *
 * Nobody but the executor knows for certain: its rows tell what it had when it
 * last reported. But it begins works in the order of their positions and keeps its
 * slots full, so of those that are open the first few run, as many as it has slots:
 *
 * | a work it was given                                   | its handler                   |
 * | ----------------------------------------------------- | ----------------------------- |
 * | among the first open ones, as many as it has slots    | has begun                     |
 * | behind these, in its buffer                           | waits for a slot              |
 * | at or beyond `beginsBefore`                           | waits for the next report     |
 * | not delivered, or its scheduled function is pending   | waits for the executor        |
 * | of an attempt that timed out and holds its slot       | still runs, for a work that has gone on without it |
 *
 * What has ended and was not reported yet still counts as begun, and a work that
 * began in its slot meanwhile as waiting; so the number is never above the slots. The
 * works of a lost executor count as begun until recovery has settled them.
 */

/** Works delivered together that have not all ended: their positions. */
type Claim = { left: readonly number[] };

export type Holder<C extends Claim> = {
  /** Its scheduled function is not waiting to be run any more. */
  started: boolean;
  /** How many handlers it may have in flight. */
  slots: number;
  /** What was delivered to it and is open, in the order of the positions. */
  open: readonly C[];
  /** It begins nothing at or beyond this position before its next report. Undefined: nobody knows. */
  beginsBefore?: number | undefined;
  /** Positions of attempts that are over, and whose handlers still run: they take slots. */
  over?: readonly number[] | undefined;
};

/** The claims with works that have begun, reduced to these. Those that are over are no works of its own any more. */
export function begunClaims<C extends Claim>({
  started,
  slots,
  open,
  beginsBefore = Infinity,
  over = [],
}: Holder<C>): C[] {
  const begun: C[] = [];
  let free = started ? Math.max(0, slots - over.length) : 0;
  for (const claim of open) {
    const own = claim.left.filter((position) => !over.includes(position));
    if (own.length === 0) continue;
    const left = own
      .filter((position) => position < beginsBefore)
      .slice(0, free);
    if (left.length === 0) break;
    begun.push({ ...claim, left });
    free -= left.length;
  }
  return begun;
}

/**
 * How many handlers may be in flight: after the limit was lowered, those that began
 * under the wider lease run on.
 *
 * @param widest - The widest lease that they may have begun under.
 */
export function slotsOf(width: number, open: number, widest: number): number {
  return open <= width ? width : Math.max(width, widest);
}

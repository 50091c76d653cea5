/**
 * The class's room: how many works of one pool may be in flight, by the class of the deployment. Pure.
 *
 * Each action and each transaction in flight takes a permit of the deployment, and the app's own
 * functions take theirs from the same number. A function waits some seconds for a permit, then it is
 * refused. So the pool leaves a quarter of the permits to the app, but no more than the larger of 16
 * and an eighth: a quarter of many would idle.
 *
 * | class         | permits for actions | the pool's | permits for mutations | the pool's |
 * | ------------- | ------------------: | ---------: | --------------------: | ---------: |
 * | S16 and other |                  64 |         48 |                    16 |         12 |
 * | S256          |                 512 |        448 |                   256 |        224 |
 * | D1024         |                1024 |        896 |                   512 |        448 |
 *
 * Executors (an action each), their reports and the loop's ticks live on what is left, too: on S16 these are
 * five actions and six transactions at most, and hardly ever so many. A work that is a query takes the permit of
 * a mutation, since a mutation calls it. Actions in Node have fewer permits on S256 (256), and the pool cannot
 * tell them from others: those that find none are refused, and then an executor halves (`executor/permits.ts`).
 */

/** How many actions and how many transactions (mutations and queries) may be in flight. */
export type ClassRoom = { actions: number; transactions: number };

/** What the platform runs at a time. */
const PERMITS = {
  S16: { actions: 64, transactions: 16 },
  S256: { actions: 512, transactions: 256 },
  D1024: { actions: 1024, transactions: 512 },
} satisfies Record<string, ClassRoom>;

/** Of a class that is unknown as much as of the smallest: what does not fit would be refused. */
export function classRoomOf(deploymentClass: string): ClassRoom {
  const name = deploymentClass.toUpperCase();
  const permits: ClassRoom =
    name === "S256" || name === "D1024" ? PERMITS[name] : PERMITS.S16;
  return {
    actions: beside(permits.actions),
    transactions: beside(permits.transactions),
  };
}

/** Every class has so much. */
export const SMALLEST_ROOM = classRoomOf("S16");

/** Of so many permits, what is the pool's beside the app's own functions. */
function beside(permits: number): number {
  return permits - Math.min(permits / 4, Math.max(16, permits / 8));
}

/**
 * The limit by which the loop gives leases. It does not know which types of functions wait, so this is the room
 * for actions; executors bound transactions further ({@link transactionShare}). 0: the pool is paused.
 */
export function limitInEffect(
  maxParallelism: number,
  { actions }: ClassRoom,
): number {
  return Math.min(maxParallelism, actions);
}

/**
 * How many transactions may be in flight in an executor of this width. The sum of widths never exceeds the limit,
 * so the sum of shares does not exceed the room, but for one transaction in each executor that is too narrow for any.
 * Undefined: there is room for as many as the limit allows.
 */
export function transactionShare(
  width: number,
  limit: number,
  { transactions }: ClassRoom,
): number | undefined {
  if (limit <= transactions) return undefined;
  const share = Math.floor((transactions * width) / limit);
  return Math.max(1, Math.min(transactions, share));
}

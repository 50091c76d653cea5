/**
 * The only pool of a deployment leaves room for the app: of its works, no more actions and no more transactions are in
 * flight than the class has room for (docs/architecture.md), whatever the pool's limit.
 *
 * Each executor may have one transaction, however narrow it is.
 */
import type { DeploymentClass } from "../../embedded/src/runtime/limits.js";
import type { Life } from "../corners/lives.js";
import type { CallListener, HandlerCall } from "../runs.js";
import type { Violate } from "./check.js";

export const CLASS_ROOM: Record<
  DeploymentClass,
  { actions: number; transactions: number }
> = {
  S16: { actions: 48, transactions: 12 },
  S256: { actions: 448, transactions: 224 },
  D1024: { actions: 896, transactions: 448 },
};

export class RoomCheck implements CallListener {
  private readonly actions = new Set<HandlerCall>();
  private readonly transactions = new Set<HandlerCall>();

  constructor(
    private readonly violate: Violate,
    private readonly deploymentClass: DeploymentClass,
    private readonly lifeOf: (call: HandlerCall) => Life | undefined,
    private readonly executors: () => number,
  ) {}

  onCall(call: HandlerCall): void {
    const { actions, transactions } = CLASS_ROOM[this.deploymentClass];
    const isAction = this.lifeOf(call)?.spec.fnType === "action";
    const [calls, most, what] = isAction
      ? ([this.actions, actions, "actions"] as const)
      : ([
          this.transactions,
          transactions + Math.max(0, this.executors() - 1),
          "transactions",
        ] as const);
    calls.add(call);
    if (calls.size <= most) return;
    this.violate(
      "more in flight than the class has room for",
      `${calls.size} ${what} of ${call.pool}; there is room for ${most} on ${this.deploymentClass}`,
    );
  }

  onReturn(call: HandlerCall): void {
    this.actions.delete(call);
    this.transactions.delete(call);
  }
}

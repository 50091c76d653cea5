/** What a turn has to go by, and what it has done: shared by its parts. */
import type { Doc, Id } from "../_generated/dataModel.js";
import type { MutationCtx } from "../_generated/server.js";
import type { Logger } from "../logging.js";
import type { Caller } from "./caller.js";
import type { ClassRoom } from "./classRoom.js";
import type { Caps } from "./lease.js";
import type { Known, View } from "./look.js";
import type { Plan } from "./plan.js";
import { planFor } from "./planView.js";

export type TurnView = View & { room: ClassRoom };

/** What a turn has to go by. The two rows are changed in place and written at its end. */
export type Turn = {
  ctx: MutationCtx;
  console: Logger;
  now: number;
  caps: Caps;
  caller: Caller;
  view: TurnView;
  state: Doc<"loopState">;
  /** Who was to do this turn; undefined: a tick. */
  drivenBy: Id<"executor"> | undefined;
  status: Doc<"runStatus">;
  /** What this turn has handed over to the executor whose report it is done in. */
  handedOver: HandOver[];
};

export type HandOver = Pick<
  Doc<"running">,
  "_id" | "first" | "works" | "bytes"
> & {
  /** Absent: this transaction makes it. */
  _creationTime?: number;
};

/** What a turn has done so far. */
export type Done = {
  /** Works handed over. */
  moved: number;
  /** Works put back into the queue. */
  requeued: number;
  /** Something waits that found no place. */
  leftOver: boolean;
  /** The same, or something that waits for an executor of its own; not in a paused pool. */
  waits: boolean;
  /** There is more to see than one turn looks at, or more to do than it does. */
  boundMet: boolean;
  /** Other executors than the driver were needed, or a bound was met. */
  tooMuchForDriver: boolean;
};

export function isKicked(caller: Caller): boolean {
  return caller.kind === "tick" && caller.kick === true;
}

/** What a turn need not read again when it looks with dependencies. */
export function knownTo({ caller, view, state, status }: Turn): Known {
  const { config } = view;
  return {
    config,
    state,
    status,
    ...(caller.kind === "tick" ? {} : { own: caller.stats }),
  };
}

export function place({ caps, now, caller }: Turn, view: View): Plan {
  return planFor(view, caps, now, caller.kind === "report");
}

/** Whether something waits for a place, in a pool that is not paused. */
export function leavesWaiting(view: View, made: Plan): boolean {
  return view.config.maxParallelism > 0 && (made.leftOver || made.apartWaits);
}

/** Several mutations have added work to a parked loop: a chain is cheaper than a tick for each, and conflicts less. */
export function isCrowded({ status, view }: Turn): boolean {
  const { ready } = view;
  // Where all slots are taken many wait, and few end.
  return (
    status.state.kind !== "saturated" &&
    ready.length > 1 &&
    ready[0]!.position?.commitTs !== ready.at(-1)!.position?.commitTs
  );
}

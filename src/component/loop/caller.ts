/** Who does a turn of the loop, and what comes of it. */
import { type Infer, v } from "convex/values";
import type { Doc, Id } from "../_generated/dataModel.js";
import type { LoopStateKind } from "./decide.js";
import type { StatsView } from "./executorViews.js";
import type { HandOver } from "./turning.js";

export const vTick = v.object({
  generation: v.int64(),
  takeover: v.optional(v.boolean()),
  /** Says which entries this tick was scheduled for: they carry the same. */
  token: v.optional(v.string()),
  /** A link of the chain: when it was due. */
  dueAt: v.optional(v.number()),
  /** Somebody asked for it: looks after everything, under a new generation. */
  kick: v.optional(v.boolean()),
});
export type TickArgs = Infer<typeof vTick>;

/** Who does the turn. */
export type Caller =
  | ({ kind: "tick" } & TickArgs)
  /** The report of an executor that freed slots of a saturated pool. */
  | {
      kind: "report";
      executorId: Id<"executor">;
      stats: StatsView;
      leaving: boolean;
    }
  | {
      kind: "driver";
      executorId: Id<"executor">;
      /** With what its report has changed. */
      stats: StatsView;
      /** It takes no more work: the loop goes on without it. */
      leaving: boolean;
    };

export type Outcome = {
  /** Whose report does the next turn. Undefined: a tick does, or nobody. */
  turnBy: Id<"executor"> | undefined;
  /** When the next turn is due. */
  nextAt: number;
  /** What the loop parked as, if it did. */
  parkedAs: LoopStateKind | null;
  /** As the turn left it. */
  status: Doc<"runStatus">;
  /** Of the lease of the executor whose report did the turn. */
  width: number | null;
  /** All that it was handed and has not been given. Null: its report has to look. */
  undelivered: HandOver[] | null;
};

/** A link of the chain counts only at the time that the last turn set. */
export function isLink(
  { dueAt }: Pick<TickArgs, "dueAt">,
  state: Pick<Doc<"loopState">, "nextTickAt">,
): boolean {
  return dueAt === undefined || dueAt === state.nextTickAt;
}

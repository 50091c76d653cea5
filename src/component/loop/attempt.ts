/** What an executor is given to make an attempt. */
import { type Infer, v } from "convex/values";
import { vFnType, vLate, vOnTimeout } from "../shared.js";

/** An attempt to make. */
export const vAttempt = v.object({
  position: v.number(),
  workId: v.id("work"),
  fence: v.number(),
  fnType: vFnType,
  fnHandle: v.string(),
  fnName: v.string(),
  /** Of actions; the transaction of a mutation or query loads its own. */
  fnArgs: v.optional(v.any()),
  /** Bytes of the arguments, and of a large context: what the end of the work reads. */
  size: v.number(),
  /** What the work declares to take at most. */
  timeoutMs: v.optional(v.number()),
  /** What becomes of its slot when it takes longer. Absent: it is held. */
  onTimeout: v.optional(vOnTimeout),
  /** It does not begin at this time or later. */
  startBy: v.optional(v.number()),
  /** Somebody waits for its outcome: a callback, which may enqueue what comes next. */
  awaited: v.optional(v.boolean()),
  /** Arguments to fill in again as it begins, since they tell its deadline, and which attempt it is. */
  late: v.optional(v.object({ args: vLate, number: v.number() })),
});
export type Attempt = Infer<typeof vAttempt>;

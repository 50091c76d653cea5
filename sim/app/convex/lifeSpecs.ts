/** How the profile `life` describes works: what each call of a handler does, and every option of time and identity. */
import { type Infer, v } from "convex/values";

export const vDeed = v.object({
  does: v.union(
    v.literal("succeed"),
    v.literal("fail"),
    v.literal("hopeless"),
    v.literal("hang"),
    v.literal("snooze"),
    v.literal("limit"),
    /** Of attached ones: goes on with the next call as another hop, */
    v.literal("continue"),
    /** leaves the work to somebody else for some seconds, */
    v.literal("suspend"),
    /** does so, and then fails, */
    v.literal("suspendAndFail"),
    /** or beats once and then says nothing any more. */
    v.literal("freeze"),
  ),
  /** How long an action takes before that, or asks to wait. */
  ms: v.number(),
});
export type Deed = Infer<typeof vDeed>;

export const vLifeSpec = v.object({
  key: v.string(),
  fnType: v.union(
    v.literal("action"),
    v.literal("mutation"),
    v.literal("query"),
  ),
  /** One call after the other; all further ones are like the last. */
  deeds: v.array(vDeed),
  /** Whether the handler takes `thisWork`, and beats. */
  attached: v.boolean(),
  /** Of an attached one: whether it ends as soon as it is told to. */
  listens: v.boolean(),
  callback: v.union(
    v.literal("none"),
    v.literal("always"),
    /** It throws now and then. */
    v.literal("sometimes"),
  ),
  /** `timeoutMs`, `onTimeout`, `retry`, `expireAfter`, `runAfter`, `statusTtl`, `tags`. */
  options: v.record(v.string(), v.any()),
});
export type LifeSpec = Infer<typeof vLifeSpec>;

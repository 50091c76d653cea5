/**
 * How the profile `corners` describes works: by sizes and durations, so that a call
 * stays small whatever it enqueues. Works may enqueue further ones.
 */
import { type Infer, v } from "convex/values";

export const vSpec = v.object({
  key: v.string(),
  pool: v.object({
    name: v.union(v.literal("workpool"), v.literal("second")),
    limit: v.number(),
  }),
  fnType: v.union(
    v.literal("action"),
    v.literal("mutation"),
    v.literal("query"),
  ),
  /** How long an action takes. */
  ms: v.number(),
  /** Whether its handler throws, whenever it is called. */
  fails: v.boolean(),
  argBytes: v.number(),
  contextBytes: v.number(),
  resultBytes: v.number(),
  timeoutMs: v.optional(v.number()),
  retry: v.optional(
    v.object({
      maxAttempts: v.number(),
      initialBackoffMs: v.number(),
      base: v.number(),
    }),
  ),
  runAfter: v.number(),
  /** Whether its outcome is recorded by a callback. */
  callback: v.boolean(),
  /** Its callback runs for failures alone. */
  failuresOnly: v.boolean(),
  /** It enqueues `width` works like itself, and so do they, until `depth` generations are done. */
  family: v.union(
    v.null(),
    v.object({
      from: v.union(v.literal("handler"), v.literal("callback")),
      width: v.number(),
      depth: v.number(),
    }),
  ),
});
export type Spec = Infer<typeof vSpec>;

/** What a work enqueues in its handler, or in its callback. */
export function childrenFrom(
  spec: Spec,
  place: "handler" | "callback",
): readonly Spec[] {
  const { family } = spec;
  if (family?.from !== place || family.depth === 0) return [];
  return Array.from({ length: family.width }, (_, index) => ({
    ...spec,
    key: `${spec.key}.${index}`,
    runAfter: 0,
    family: { ...family, depth: family.depth - 1 },
  }));
}

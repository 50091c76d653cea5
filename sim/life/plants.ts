/** Bugs to plant that histories of the profile `life` find, each by the check it is there for. */
import type { CornerPlant } from "../corners/plants.js";

const inComponent = (file: string, text: string, replacement: string) => ({
  file: `src/component/${file}`,
  text,
  replacement,
});

export const LIFE_PLANTS: readonly CornerPlant[] = [
  {
    name: "round-though-owed",
    what: "A work is tried again although the app was not told of its outcome.",
    rule: "a round before its callback",
    patches: [
      inComponent(
        "work/retry.ts",
        'if (row.callback?.state === "owed") return STILL_OWED;',
        "",
      ),
    ],
    seed: 10,
  },
  {
    name: "forgotten-though-owed",
    what: "An outcome is forgotten whose callback is owed.",
    rule: "callbacks and rounds that differ",
    patches: [
      inComponent(
        "work/forget.ts",
        'if (row.callback?.state === "owed") return STILL_OWED;',
        "",
      ),
    ],
    seed: 2,
  },
  {
    name: "nobody-is-told",
    what: "onFailed is not told of works that have an onComplete.",
    rule: "a failure that nobody is told of",
    patches: [
      inComponent(
        "work/outcome.ts",
        'if (result.kind === "failed" && work.onFailed !== undefined) {',
        'if (result.kind === "failed" && work.onFailed && !work.onComplete) {',
      ),
    ],
    seed: 1,
  },
  {
    name: "hop-keeps-attempts",
    what: "A work that goes on with other arguments has the attempts of before.",
    rule: "attempts that were counted wrong",
    patches: [
      inComponent(
        "work/settle.ts",
        "const fresh = { attempts: undefined, lastError: undefined, hops };",
        "const fresh = { attempts, lastError: undefined, hops };",
      ),
    ],
    seed: 18,
  },
  {
    name: "frozen-unseen",
    what: "Nobody looks for attempts that say nothing any more.",
    rule: "frozen, and runs",
    patches: [
      inComponent(
        "loop/frozen.ts",
        "  return frozen && cursors.freezes;",
        "  return null;",
      ),
    ],
    seed: 32,
  },
  {
    name: "suspended-though-it-failed",
    what: "A suspension counts though its attempt has failed.",
    rule: "suspended by an attempt that is over",
    patches: [
      inComponent(
        "work/next.ts",
        'await ctx.db.patch("work", work._id, { next: undefined });\n  return work;',
        "return { ...work, ...(next ? { next } : {}) };",
      ),
      inComponent(
        "work/settle.ts",
        "if (work.next && work.next.fence === (work.fence ?? 0)) {",
        "if (work.next) {",
      ),
    ],
    seed: 105,
  },
  {
    name: "ended-again",
    what: "What has ended can be ended again from outside.",
    rule: "two outcomes",
    patches: [
      inComponent(
        "work/conclude.ts",
        "const work = workId && (await liveWork(ctx, workId));",
        'const work = workId && (await ctx.db.get("work", workId));',
      ),
    ],
    seed: 1,
  },
  {
    name: "key-of-a-begun-work-is-free",
    what: "A work that has begun no longer holds its key.",
    rule: "two works with one key",
    patches: [
      inComponent(
        "work/unique.ts",
        `case "active":
      return work !== null;`,
        `case "active":
      return work !== null && (await neverAttempted(ctx, work));`,
      ),
    ],
    seed: 3,
  },
  {
    name: "replaced-though-begun",
    what: "A work that a worker has is replaced.",
    rule: "replaced what had begun",
    patches: [
      inComponent(
        "work/unique.ts",
        'if (waits && onDuplicate === "replace") {',
        'if (onDuplicate === "replace") {',
      ),
    ],
    seed: 24,
  },
  {
    name: "follower-forgotten",
    what: "The end of a work does not let the one begin that follows it.",
    rule: "follower of nobody",
    patches: [
      inComponent(
        "work/outcome.ts",
        "if (work.followedBy) await letFollow(ctx, work);",
        "",
      ),
    ],
    seed: 14,
  },
  {
    name: "expires-late",
    what: "A work may begin for three seconds after it has expired.",
    rule: "began after it expired",
    patches: [
      inComponent(
        "queue/startBy.ts",
        "Math.min(work.expireAt ?? Infinity, lastRetryAt(work));",
        "Math.min((work.expireAt ?? Infinity) + 3_000, lastRetryAt(work));",
      ),
      inComponent(
        "queue/startBy.ts",
        "if (at >= expireAt) {",
        "if (at >= expireAt + 3_000) {",
      ),
    ],
    seed: 1,
  },
  {
    name: "hold-releases",
    what: "An attempt that timed out gives its slot on though its handler runs.",
    rule: "limit exceeded",
    patches: [
      inComponent(
        "executor/timeouts.ts",
        'return onTimeout === "release";',
        'return onTimeout === "release" || true;',
      ),
    ],
    seed: 1,
  },
  {
    name: "time-out-ignored",
    what: "Nobody minds how long an attempt takes.",
    rule: "a late result counted",
    patches: [
      inComponent(
        "executor/slots.ts",
        "const result = await within(handler, timeLimit(attempt));",
        "const result = await handler;",
      ),
    ],
    seed: 1,
  },
  {
    name: "canceled-and-retried",
    what: "A work that was canceled while it ran is tried again.",
    rule: "canceled, and tried again",
    patches: [
      inComponent(
        "work/settle.ts",
        `  if (work.canceled) {
    return { kind: "end", result: { kind: "canceled" }, ...after };
  }
  if (!mayRetry) {`,
        "  if (!mayRetry) {",
      ),
      inComponent("work/settler.ts", "if (work?.canceled) {", "if (!work) {"),
      inComponent(
        "loop/delivery.ts",
        "work.canceled",
        "(work.canceled && false)",
      ),
    ],
    seed: 7,
  },
  {
    name: "snooze-is-an-attempt",
    what: "A work that asks to be tried later has made an attempt.",
    rule: "attempts that were counted wrong",
    patches: [
      inComponent(
        "work/settle.ts",
        "return goesBack(work, now, now + ms, {",
        `return goesBack(work, now, now + ms, {
    attempts: (work.attempts ?? 0) + 1,`,
      ),
    ],
    seed: 6,
  },
  {
    name: "one-attempt-more",
    what: "A work is tried once more than its retries allow.",
    rule: "too many attempts",
    patches: [
      inComponent(
        "work/settle.ts",
        "attempts < retryBehavior.maxAttempts;",
        "attempts <= retryBehavior.maxAttempts;",
      ),
    ],
    seed: 1,
  },
  {
    name: "progress-stays",
    what: "What an attempt said of itself outlives its work.",
    rule: "progress of nobody",
    patches: [
      inComponent(
        "work/outcome.ts",
        'if (work.late && work.fnType === "action") await removeProgress(ctx, work);',
        "",
      ),
    ],
    seed: 1,
  },
  {
    name: "tags-stay",
    what: "The tags of a work outlive what is known about it.",
    rule: "tag of nobody",
    patches: [
      inComponent("work/kept.ts", "await removeTags(ctx, workId, row);", ""),
    ],
    seed: 1,
  },
  {
    name: "postponed-in-its-place",
    what: "A work that is postponed stays where it waited, too.",
    rule: "work in two places",
    patches: [inComponent("work/update.ts", "await queue.write();", "")],
    seed: 1,
  },
  {
    name: "round-put-back-twice",
    what: "Recovery puts back a work that went on without the lost executor.",
    rule: "work in two places",
    patches: [
      inComponent(
        "loop/recovery.ts",
        "if (work && !hasGoneOn(work, member)) {",
        "if (work && member) {",
      ),
    ],
    seed: 101,
  },
];

/**
 * Who writes what is what keeps transactions apart: producers only append, the
 * loop is the sole writer of scheduling state, an executor of its statistics.
 * Rows that two parties need are immutable or change at rare transitions only.
 * `docs/architecture.md` tells the whole story.
 */
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { vDeclared, vSettings } from "./queue/settingsValidators.js";
import { vOperation, vOperationPosition } from "./work/filter.js";
import {
  vAbility,
  vFailureNotice,
  vFnType,
  vHalved,
  vHistory,
  vLate,
  vNext,
  vOnTimeout,
  vReason,
  vResult,
  vResultKind,
  vRetryPolicy,
  vStatusTtl,
} from "./shared.js";

/** How works and attempts ended. */
export const vTally = v.object({
  succeeded: v.number(),
  failed: v.number(),
  retries: v.number(),
  canceled: v.number(),
});

/** What an executor may still be given. */
const vExecutorState = v.union(
  v.object({ kind: v.literal("open") }),
  /** It takes no new hand-overs. */
  v.object({ kind: v.literal("closing") }),
  /** Its last report is in, and this is what it has done. */
  v.object({ kind: v.literal("done"), tally: vTally }),
);

/** What sets an executor apart from others. */
const vRole = v.union(
  /** It was opened for long works, and takes no others. */
  v.literal("long"),
  /** It stays open while it has anything in flight, because no further executor may be started. */
  v.literal("listener"),
);

/** Where a scan in commit order goes on. The rows of one mutation share a timestamp: among them creation time tells. */
const vPosition = v.object({ commitTs: v.int64(), creationTime: v.number() });

/** How often something happened since a time. */
const vCount = v.object({ since: v.number(), count: v.number() });

/** A scheduled tick, and what it is called in its own arguments. */
export const vWakeUp = v.object({
  token: v.string(),
  scheduledId: v.id("_scheduled_functions"),
});

export default defineSchema({
  /** Singleton. Written by `config.update`, the first enqueue, and an enqueue whose declared values changed. */
  config: defineTable({
    declared: vDeclared,
    /** What `config.update` set at run time; wins until cleared. */
    override: vSettings,
    /** When `declared` last changed: objects that disagree must not fight. */
    declaredAt: v.number(),
    /** What was declared before, or is by another object: see `declaration.ts`. */
    rival: v.optional(
      v.object({
        declared: vDeclared,
        /** When that was noted. */
        at: v.number(),
        /** How often they were seen to take turns. */
        turns: v.number(),
      }),
    ),
    /** When `override` last changed. */
    overriddenAt: v.optional(v.number()),
    /** Grows whenever the effective parallelism changes; leases of older epochs get no new work. */
    epoch: v.number(),
    /** What the platform turned out to lack at the first enqueue. Unset: nobody has looked. */
    lacks: v.optional(v.array(vAbility)),
  }),

  /** Singleton. Written by the loop, at transitions and by its watchdog. Read by every enqueue and report. */
  runStatus: defineTable({
    state: v.union(
      v.object({ kind: v.literal("idle") }),
      v.object({ kind: v.literal("scheduled"), at: v.number() }),
      v.object({ kind: v.literal("running") }),
      v.object({ kind: v.literal("saturated") }),
    ),
    /** A tick of another generation exits. */
    generation: v.int64(),
    /** Unless renewed by then, whoever notices has the loop taken over. Null: nothing needs a watchdog. */
    validUntil: v.union(v.number(), v.null()),
    /** The tick that somebody scheduled to take the loop over. */
    takeoverId: v.optional(v.id("_scheduled_functions")),
  }),

  /** Singleton. Read and written by the loop alone. */
  loopState: defineTable({
    /** Up to here (exclusive of it) ready entries were consumed. */
    ready: vPosition,
    /** Up to here arrivals of later entries were seen. */
    later: vPosition,
    /** Where scans by time begin: nothing that they look for is earlier. Unset: they begin at the start. */
    scanFrom: v.object({
      /** Due times of entries, by kind. */
      later: v.number(),
      isolated: v.optional(v.number()),
      long: v.optional(v.number()),
      /** When outcomes expire: see `retention.ts`. */
      outcomes: v.optional(v.number()),
      /** Due times of owed callbacks: see `callback.ts`. */
      callbacks: v.optional(v.number()),
      /** Until when works have to begin that wait: see `queue/expiring.ts`. */
      startBy: v.optional(v.number()),
      /** When attempts freeze: see `frozen.ts`. */
      freezes: v.optional(v.number()),
    }),
    /** The executors that live, or whose end was not noticed yet. */
    assigned: v.array(
      v.object({
        executorId: v.id("executor"),
        /** The position of the next work handed to it. Its statistics say which of those before are over. */
        next: v.number(),
        /** The widest lease that its handlers in flight were started under. */
        peak: v.number(),
      }),
    ),
    /** The executor whose reports do the turns: see `drive.ts`. Unset: ticks do, or nobody need. */
    turnBy: v.optional(v.id("executor")),
    /**
     * When the next turn is due, by a tick or a report. A link of the chain with another
     * due time exits; a watchdog that finds it long overdue starts a new chain.
     */
    nextTickAt: v.number(),
    /** When somebody last took a dead loop over. */
    lastTakeoverAt: v.optional(v.number()),
    /** When the last turn was. */
    lastTurnAt: v.number(),
    /** When the last turn moved something. */
    lastWorkAt: v.number(),
    /** Turns within a second: three of them in a parked loop call for a driver. */
    recentTurns: vCount,
    /** The `watch` that counts: one of another time exits. Null: none is scheduled. */
    watch: v.union(
      v.object({ at: v.number(), scheduledId: v.id("_scheduled_functions") }),
      v.null(),
    ),
    /** Self-reschedules within a minute (runaway protection). */
    reschedules: vCount,
    /** For the report event: what executors that are gone did since then, less what was reported of living ones. */
    totals: v.object({ since: v.number(), tally: vTally }),
  }),

  /** Singleton, while lost executors are looked after: see `loop/recover.ts`. Written by `watch` and `recover`. */
  recovery: defineTable({
    scheduledId: v.id("_scheduled_functions"),
    /** A call with another token exits. */
    token: v.string(),
    executors: v.array(v.id("executor")),
    /** Works of one piece. */
    works: v.number(),
    giveUp: v.optional(v.string()),
    /** Works wait that may not begin any more: where the scan for them begins. */
    lateFrom: v.optional(v.number()),
    /** Attempts have frozen: where the scan for them begins. */
    frozenFrom: v.optional(v.number()),
    /** Pieces in a row that failed. */
    failures: v.number(),
  }),

  /**
   * The work, from enqueue to its outcome. The fence: whoever ends an attempt
   * does so against this row. Written by report, the transaction wrapper,
   * cancel and recovery; never by the loop's ordinary path.
   */
  work: defineTable({
    fnType: vFnType,
    fnHandle: v.string(),
    fnName: v.string(),
    /** Inline when small, else in `payload`. */
    fnArgs: v.optional(v.any()),
    argsId: v.optional(v.id("payload")),
    /** Bytes of arguments, wherever they are: what a hand-over costs. */
    argsSize: v.number(),
    retryBehavior: v.optional(vRetryPolicy),
    onComplete: v.optional(
      v.object({
        fnHandle: v.string(),
        context: v.optional(v.any()),
        contextId: v.optional(v.id("payload")),
        /** Bytes of the context, if it is in `payload`. */
        contextSize: v.optional(v.number()),
        excludeKinds: v.optional(v.array(vResultKind)),
      }),
    ),
    /** A handle of what is told if it fails: see `work/notice.ts`. */
    onFailed: v.optional(v.string()),
    statusTtl: v.optional(vStatusTtl),
    /** How long it takes at most, if that was declared: it begins where the executor lives that long. */
    timeoutMs: v.optional(v.number()),
    /** What becomes of its slot when it takes longer. Unset: it is held until the handler ends. */
    onTimeout: v.optional(vOnTimeout),
    /** For how long an attempt may say nothing, once it has beaten. */
    heartbeatTimeoutMs: v.optional(v.number()),
    /** No attempt begins at this time or later. */
    expireAt: v.optional(v.number()),
    /** How often it asked to be tried later, in this round. Unset: never. */
    postponed: v.optional(v.number()),
    runAt: v.number(),
    /** Attempts that have ended. Unset: none, as with most works that are read. */
    attempts: v.optional(v.number()),
    /** Grows whenever the work goes back to the queue, so a late result of an old attempt changes nothing. */
    fence: v.optional(v.number()),
    /** The queue entry it is in, or was last in. Unset: see `pendingStart.only`. */
    entryId: v.optional(v.id("pendingStart")),
    canceled: v.optional(v.boolean()),
    /** Of the attempt that failed last. */
    lastError: v.optional(v.string()),
    /**
     * An executor died that it was delivered to, and it may be the reason: from
     * now on it runs apart from others. Works with the same text wait and run
     * together; true: alone.
     */
    isolate: v.optional(v.union(v.boolean(), v.string())),
    /**
     * It failed then, and its outcome is kept: it may be tried again. Everybody else
     * takes it for gone: see `work/live.ts`.
     */
    endedAt: v.optional(v.number()),
    /** How often it was tried again after it had ended. Unset: never. */
    round: v.optional(v.number()),
    /**
     * When it went back to the queue without the report of the executor that had it, if it did: what was
     * handed over before is over (`loop/positions.ts`).
     */
    backAt: v.optional(v.number()),
    /** Its last attempts that did not succeed, the oldest first. */
    history: v.optional(vHistory),
    /** Each has a row in `tag`, too. */
    tags: v.optional(v.array(v.string())),
    /** It was enqueued with this key (`work/unique.ts`), and has entries of its own. */
    uniqueKey: v.optional(v.string()),
    /** It is not in the queue before that one has ended: see `work/follow.ts`. */
    follows: v.optional(v.id("work")),
    /** The one that follows it. */
    followedBy: v.optional(v.id("work")),
    /** Arguments that are filled in when it begins. */
    late: v.optional(vLate),
    /** What its present attempt wants to follow its success: see `work/next.ts`. */
    next: v.optional(vNext),
    /** Its handler has left it to somebody else to end it, until then. */
    suspended: v.optional(v.number()),
    /** How often it went on with other arguments, in this round. Unset: never. */
    hops: v.optional(v.number()),
  }).index("by_end", ["endedAt"]),

  /** A tag of a work, as long as anything is known about that: see `work/tags.ts`. */
  tag: defineTable({ tag: v.string(), workId: v.id("work") })
    .index("by_tag", ["tag"])
    .index("by_work", ["workId"]),

  /** Who has a unique key. Written by `enqueueUnique` alone, and swept: see `work/uniqueSweep.ts`. */
  unique: defineTable({
    key: v.string(),
    /** The work that was enqueued last with it. */
    workId: v.id("work"),
    /** The one that `workId` followed. */
    before: v.optional(v.id("work")),
    /** When `workId` was enqueued: windows and debounces count from here. */
    at: v.number(),
    /** The end of the window that `workId` was enqueued with. */
    windowEndsAt: v.optional(v.number()),
    /** Nobody looks before then whether it can go. */
    sweepAt: v.number(),
  })
    .index("by_key", ["key"])
    .index("by_sweep", ["sweepAt"]),

  /** What an attempt last said of itself: see `work/progress.ts`. */
  progress: defineTable({
    workId: v.id("work"),
    /** Of the attempt: what another one said is over. */
    fence: v.number(),
    beatAt: v.number(),
    progress: v.optional(v.number()),
    step: v.optional(v.string()),
    /** When it counts as frozen without a further beat: see `loop/frozen.ts`. Unset: never. */
    freezesAt: v.optional(v.number()),
  })
    .index("by_work", ["workId"])
    .index("by_freeze", ["freezesAt"]),

  /** A value too large to inline. Lives as long as its work (or its outcome). */
  payload: defineTable({
    value: v.any(),
    /** Instead of `value`: one that is too deep for a document, as JSON. */
    text: v.optional(v.string()),
  }),

  /**
   * The queue: entries of a few works that became pending together. Ready
   * ones are consumed in commit order, later ones by due time; so are long ones,
   * which need an executor opened for them. The works of an isolated one were
   * lost with their executor and now run apart from others.
   */
  pendingStart: defineTable({
    kind: v.union(
      v.literal("ready"),
      v.literal("later"),
      v.literal("isolated"),
      v.literal("long"),
    ),
    commitTs: v.commitTs(),
    dueAt: v.number(),
    works: v.array(v.id("work")),
    /**
     * Bytes of the works' arguments and contexts, since hand-overs are bounded in bytes:
     * of all together, each of which counts as equal; where one is large, of each.
     */
    bytes: v.union(v.number(), v.array(v.number())),
    /** The tick that the same mutation scheduled, if it did: that one looks after this entry. */
    wakeUp: v.optional(vWakeUp),
    /** Of works that may not begin later (`queue/startBy.ts`): from then on they end. Unset: they wait for any time. */
    startBy: v.optional(v.number()),
    /**
     * Of a work that was enqueued alone: it is found from here, so that it need
     * not point back and a single enqueue writes two rows.
     */
    only: v.optional(v.id("work")),
  })
    .index("by_only", ["only"])
    .index("by_wake_up", ["kind", "wakeUp.token"])
    .index("by_arrival", ["kind", "commitTs"])
    .index("by_due", ["kind", "dueAt"])
    .index("by_start_by", ["startBy"]),

  /** A hand-over: works given to one executor together. Immutable; its last member's report deletes it. */
  running: defineTable({
    executorId: v.id("executor"),
    /** Position of its first member among all works ever handed to the executor. */
    first: v.number(),
    works: v.array(v.id("work")),
    bytes: v.number(),
  }).index("by_executor", ["executorId", "first"]),

  /**
   * One executor's lease. The row outlives it: the next executor takes it over
   * under the next incarnation. Written by the loop; the executor's report sets
   * `state` to closing and to done, once each.
   */
  executor: defineTable({
    incarnation: v.number(),
    scheduledId: v.union(v.id("_scheduled_functions"), v.null()),
    /** How many handlers it may have in flight. */
    width: v.number(),
    /** Of the config when `width` was given. */
    epoch: v.number(),
    state: vExecutorState,
    role: v.optional(vRole),
    startedAt: v.number(),
    /** What it was started with, from position 0 on. */
    first: v.array(v.id("work")),
  }),

  /**
   * What one executor has, and has done: written by its reports alone. An
   * executor whose first report is its last never has one.
   */
  executorStats: defineTable({
    executorId: v.id("executor"),
    /** Of the last report; a repetition gets nothing new. */
    seq: v.number(),
    /**
     * Works delivered together that have not all ended: the positions of those
     * left. `runningId` is null for what the executor was started with.
     */
    open: v.array(
      v.object({
        runningId: v.union(v.id("running"), v.null()),
        left: v.array(v.number()),
      }),
    ),
    /**
     * Of the open positions, those of attempts that timed out and whose handlers still run: their
     * slots are taken, and their works have gone on without them. Unset: there are none.
     */
    over: v.optional(v.array(v.number())),
    /** What was handed over before this position was delivered, or taken back; the next report continues here. */
    cursor: v.number(),
    /**
     * How many works per slot it can make use of: more than one when they are short.
     * Zero: it is asleep. Its slots are taken by long works, or its memory is, and it does
     * not report before one of them ends: nobody hands it anything.
     */
    worksPerSlot: v.number(),
    /** Works at or beyond this position have not begun: it does not begin them before its next report. Unset: nobody knows. */
    beginsBefore: v.optional(v.number()),
    /** The platform refused some of its calls: so many may be in flight. Unset: nothing is halved. */
    halved: v.optional(vHalved),
    lastReportAt: v.number(),
    tally: vTally,
  }).index("by_executor", ["executorId"]),

  /** What is still needed after the end of a work: an outcome to retain, a callback owed. */
  complete: defineTable({
    workId: v.id("work"),
    fnType: vFnType,
    fnName: v.string(),
    /** Small results inline; a large return value is in `payload`. */
    result: vResult,
    resultId: v.optional(v.id("payload")),
    attempts: v.number(),
    lastError: v.optional(v.string()),
    /** Why it ended so, where the kind of the result does not tell. */
    reason: v.optional(vReason),
    /** Of the `ConvexError` that it failed with. */
    errorData: v.optional(v.any()),
    round: v.optional(v.number()),
    /** How often it went on with other arguments. Unset: never. */
    hops: v.optional(v.number()),
    history: v.optional(vHistory),
    tags: v.optional(v.array(v.string())),
    uniqueKey: v.optional(v.string()),
    enqueuedAt: v.number(),
    runAt: v.number(),
    startedAt: v.optional(v.number()),
    finishedAt: v.number(),
    /** Not kept beyond this time. Null while a callback is owed. */
    expiresAt: v.union(v.number(), v.null()),
    ttl: v.number(),
    callback: v.optional(
      v.object({
        fnHandle: v.string(),
        context: v.optional(v.any()),
        contextId: v.optional(v.id("payload")),
        attempts: v.number(),
        lastError: v.optional(v.string()),
        /** The delivery on its way. */
        scheduledId: v.optional(v.id("_scheduled_functions")),
        /** When it is tried next; null: done or given up. */
        dueAt: v.union(v.number(), v.null()),
        state: v.union(
          v.literal("owed"),
          v.literal("done"),
          v.literal("failed"),
        ),
      }),
    ),
  })
    .index("by_work", ["workId"])
    .index("by_expiry", ["expiresAt"])
    .index("by_callback", ["callback.state", "callback.dueAt"])
    // For lists, in the order in which works ended: see `observe/list.ts`.
    // eslint-disable-next-line @convex-dev/no-duplicate-indexes
    .index("by_callback_state", ["callback.state"])
    // eslint-disable-next-line @convex-dev/no-duplicate-indexes
    .index("by_kind", ["result.kind"])
    .index("by_kind_and_name", ["result.kind", "fnName"]),

  /** A failure of which the app's `onFailed` is still to be told: see `work/notice.ts`. */
  notice: defineTable({
    fnHandle: v.string(),
    notice: vFailureNotice,
    owedAt: v.number(),
    /** Tries that failed. */
    attempts: v.number(),
    lastError: v.optional(v.string()),
    dueAt: v.number(),
    scheduledId: v.optional(v.id("_scheduled_functions")),
  }).index("by_due", ["dueAt"]),

  /**
   * Something that is done to many outcomes, and goes on: see `work/operation.ts`. Its
   * pages write it; it goes with the last one. Without the row, the next page does nothing.
   */
  operation: defineTable({
    ...vOperation.fields,
    startedAt: v.number(),
    /** Behind the last outcome that a page looked at. */
    position: vOperationPosition,
    matched: v.number(),
    skipped: v.number(),
    /** The next page. */
    scheduledId: v.optional(v.id("_scheduled_functions")),
  }),
});

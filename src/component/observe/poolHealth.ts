/** What is told about a pool. Apps use the validator too, so no database access here. */
import { type Infer, v } from "convex/values";
import { vOverrides } from "../queue/settingsValidators.js";
import { vAbility, vHalved } from "../shared.js";

/** A count that stops somewhere: `isAtLeast` says that there may be more. */
const vCount = v.object({ count: v.number(), isAtLeast: v.boolean() });

export const vPoolHealth = v.object({
  /** Nothing is wrong that somebody should mend. A paused pool is healthy. */
  healthy: v.boolean(),
  /** What is wrong, each in words, with what to do. Empty when healthy. */
  problems: v.array(v.string()),
  /** What is worth knowing and is not wrong, each in words: a pause, overrides, what the class has no room for, what the platform lacks or refuses. */
  facts: v.array(v.string()),
  state: v.union(
    v.literal("idle"),
    v.literal("scheduled"),
    v.literal("running"),
    v.literal("saturated"),
  ),
  /** In force. 0: the pool is paused. */
  maxParallelism: v.number(),
  /**
   * How many handlers may be in flight: `maxParallelism`, or fewer where the deployment's class has no room
   * for so many beside the app's own functions. `facts` says so.
   */
  limitInEffect: v.number(),
  /** How many of them may be mutations and queries, of which the class has room for fewer. */
  transactionLimitInEffect: v.number(),
  /** `maxParallelism` is 0: nothing begins, and what runs goes on to its end. */
  paused: v.boolean(),
  /** What `config.update` has set, each with what would be in force without it. `config.get` tells more. */
  overrides: vOverrides,
  /** When the loop last did its turn. Milliseconds since the epoch, as all times here. */
  lastTickAt: v.union(v.number(), v.null()),
  /** When it does so next; null when it waits for somebody to wake it. */
  nextTickAt: v.union(v.number(), v.null()),
  /** Works that could run now and wait, those due later left out. */
  backlog: vCount,
  /** Since when the oldest of these could have run. */
  oldestWaitingSince: v.union(v.number(), v.null()),
  /** When the next of the works that are due later is due. */
  nextDueAt: v.union(v.number(), v.null()),
  /** Works given to executors: `running` and `claimed` together. */
  inFlight: v.number(),
  /**
   * Those of them whose handlers have begun, as far as the executors' last reports
   * tell. Never more than `maxParallelism`, unless that was lowered just now: what
   * began before runs on.
   */
  running: v.number(),
  /** The others: they wait for a slot of the executor that has them, or for it to start. */
  claimed: v.number(),
  executors: v.array(
    v.object({
      /** Its scheduled function. Null or of another state than pending and inProgress: it is lost. */
      state: v.union(v.string(), v.null()),
      startedAt: v.number(),
      lastReportAt: v.union(v.number(), v.null()),
      /** How many handlers it may have in flight. */
      width: v.number(),
      inFlight: v.number(),
      running: v.number(),
      claimed: v.number(),
      /** Of those that run, handlers whose attempt has timed out: they hold their slots until they end. */
      timedOut: v.number(),
      /** It takes no more work. */
      closing: v.boolean(),
      /** Its reports do the loop's turns. */
      drives: v.boolean(),
      /** Its slots are taken by long works, or its memory is full: it is handed nothing until one ends. */
      asleep: v.boolean(),
      /** It was opened for works that declare long time-outs, and takes no others. */
      long: v.boolean(),
      /**
       * The platform refused to start works there (`TooManyConcurrentRequests`): how many actions, or
       * mutations and queries (`transaction`), it runs at a time meanwhile, as its last report tells. Null: it
       * runs as many as it may.
       */
      halved: v.union(v.null(), vHalved),
    }),
  ),
  /** Lost executors are being looked after. Null: there are none. */
  recovery: v.union(
    v.null(),
    v.object({
      executors: v.number(),
      /** How many works are settled at a time: fewer after a failure. */
      worksAtATime: v.number(),
      /** Failures in a row. */
      failures: v.number(),
    }),
  ),
  /** Waiting works that run apart from others, since an executor that had them ran out of memory. */
  quarantined: vCount,
  /** When a loop that gave no sign of life was last taken over. */
  lastTakeoverAt: v.union(v.number(), v.null()),
  /** Turns of the loop that moved nothing and called for another, since `since`. */
  fruitlessTicks: v.object({ count: v.number(), since: v.number() }),
  callbacks: v.object({
    /** Those that have not run yet. */
    owed: vCount,
    /** Of the owed ones, those that have failed three times or more. */
    failing: vCount,
    /** Those that were given up. */
    failed: vCount,
  }),
  /** Failures of which `onFailed` has not been told yet; `failing`: in three tries or more. */
  notices: v.object({ owed: vCount, failing: vCount }),
  /** What the platform cannot do, so that the pool does without. Empty on an up-to-date one. */
  lacks: v.array(vAbility),
});
export type PoolHealth = Infer<typeof vPoolHealth>;

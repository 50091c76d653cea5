/** What a seed decides about a history before it begins. */
import type { DeploymentClass, RuntimeLimits } from "../embedded/src/index.js";
import { Dice } from "./dice.js";

/** Probabilities for each moment at which one can happen. */
const MOMENTS = {
  /** A transaction loses a race. */
  conflict: [0.002, 0.1],
  /** A transaction commits, and its caller is told that it failed. */
  lostReply: [0.02, 0.3],
  /** A transaction's snapshot is old when its code begins. */
  slowMutation: [0.005, 0.2],
  /** A timer comes late. */
  hiccup: [0.0005, 0.01],
  /** An executor dies as it starts. */
  deathAtStart: [0.01, 0.3],
  /** … while one of its handlers runs. */
  deathDuring: [0.005, 0.1],
  /** … after a handler's end, before its report. */
  deathAfter: [0.005, 0.1],
  /** … while it reports. */
  deathInReport: [0.005, 0.1],
  /** The platform loses sight of an executor that goes on. */
  lostSight: [0.005, 0.1],
  /** The process of a single action dies. */
  deathOfAction: [0.01, 0.2],
} as const satisfies Record<string, readonly [number, number]>;

/** How often they happen, per minute. */
const RATES = {
  /** For a while, hardly any transaction gets through. */
  storm: [0.5, 6],
  /** The deployment stops and starts again from its store. */
  restart: [0.5, 6],
  /** Somebody cancels scheduled functions of the pool by hand. */
  cancelByHand: [1, 30],
  /** Finished scheduled functions are removed early. */
  collect: [1, 30],
  clockForward: [0.5, 6],
  clockStands: [0.5, 6],
  /** Others use up the permits for actions. */
  crowd: [0.5, 6],
  /** The other version of the app is deployed. */
  redeploy: [0.5, 6],
  /** Somebody sets the limit. */
  setLimit: [0.5, 20],
} as const satisfies Record<string, readonly [number, number]>;

export type Moment = keyof typeof MOMENTS;
export type Event = keyof typeof RATES;

export interface Setting {
  seed: number;
  deploymentClass: DeploymentClass;
  limits: Partial<RuntimeLimits>;
  /** All latencies are multiplied by this. */
  pace: number;
  jitterMs: number;
  /** How late a timer comes at most that is late beyond jitter. */
  hiccupMs: number;
  /** How long there are faults. */
  troubledMs: number;
  /** Nothing goes wrong but what clients and works do. */
  isFaultless: boolean;
  /** 0: never in this history. */
  probability: Record<Moment, number>;
  perMinute: Record<Event, number>;
}

const never = <K extends string>(ranges: Record<K, unknown>) =>
  Object.fromEntries(Object.keys(ranges).map((name) => [name, 0])) as Record<
    K,
    number
  >;

/** Nothing of all this happens. */
export const QUIET: Pick<Setting, "probability" | "perMinute"> = {
  probability: never(MOMENTS),
  perMinute: never(RATES),
};

/** Longer than any handler that comes to its end by itself. */
const ACTION_TIMEOUT_MS = 10 * 60_000;

export function drawSetting(seed: number): Setting {
  const dice = new Dice(seed, 1);
  // A history in which everything happens at once shows less than one with a few faults.
  const share = dice.pick([0, 0.15, 0.3, 0.6]);
  const draw = <K extends string>(
    ranges: Record<K, readonly [number, number]>,
  ): Record<K, number> =>
    Object.fromEntries(
      Object.entries<readonly [number, number]>(ranges).map(([name, range]) => {
        const value = dice.magnitude(...range);
        return [name, dice.chance(share) ? value : 0];
      }),
    ) as Record<K, number>;
  const small = dice.chance(0.3);
  return {
    seed,
    deploymentClass: small ? "S16" : "S256",
    limits: {
      actionTimeoutMs: ACTION_TIMEOUT_MS,
      ...(dice.chance(0.2)
        ? { concurrency: { actions: dice.integer(10, 24) } }
        : {}),
    },
    pace: dice.pick([0, 0.3, 1, 1, 3]),
    jitterMs: dice.pick([0.5, 2, 5, 20]),
    hiccupMs: dice.magnitude(50, 2_000),
    troubledMs: dice.magnitude(5_000, 90_000),
    isFaultless: share === 0,
    probability: draw(MOMENTS),
    perMinute: draw(RATES),
  };
}

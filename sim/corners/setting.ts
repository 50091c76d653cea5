/** What a seed decides about a history of the profile `corners` before it begins. */
import {
  type Concurrency,
  CONCURRENCY,
  type DeploymentClass,
} from "../../embedded/src/runtime/limits.js";
import { Dice } from "../dice.js";
import { QUIET, type Setting } from "../setting.js";

/** Something dies with all it holds, at a drawn time. */
export interface Blow {
  /** Milliseconds after the beginning. */
  at: number;
  kind: "restart" | "systemError" | "outOfMemory";
}

export interface PoolSetting {
  name: "workpool" | "second";
  limit: number;
  /** That clients enqueue: these may enqueue further ones. */
  works: number;
}

/**
 * What is drawn on purpose, since it needs several rare draws at once: the
 * deployment restarts with everything in flight and all of it large; works of nearly
 * half an hour beside others of several minutes.
 */
export type Theme = "heavy restart" | "long works" | null;

export interface CornerSetting extends Setting {
  theme: Theme;
  pools: PoolSetting[];
  concurrency: Concurrency;
  blows: Blow[];
  /** An app's own call every so many milliseconds; null: none. */
  ownCallsMs: number | null;
  /** All works are short, so that every wait shows: what has room begins soon. */
  isLight: boolean;
}

const MAX_LIMIT = 1_000;
const MINUTE_MS = 60_000;
const LATEST_BLOW_MS = 10 * MINUTE_MS;
/** How long what is rare goes wrong all the time. */
const NOISE_MS = 5 * MINUTE_MS;

const THEMES: readonly Theme[] = [
  null,
  null,
  null,
  null,
  null,
  null,
  "heavy restart",
  "long works",
];

export function drawCornerSetting(seed: number): CornerSetting {
  const dice = new Dice(seed, 11);
  const deploymentClass: DeploymentClass = dice.pick(["S16", "S256", "D1024"]);
  const pools = [drawPool(dice, "workpool", 600)];
  if (dice.chance(0.3)) pools.push(drawPool(dice, "second", 60));
  const theme = dice.pick(THEMES);
  if (theme === "heavy restart") makeWide(dice, pools[0]!);
  const isNoisy = dice.chance(0.2);
  const noise = (from: number, to: number) =>
    isNoisy && dice.chance(0.5) ? dice.magnitude(from, to) : 0;
  return {
    seed,
    deploymentClass,
    concurrency: CONCURRENCY[deploymentClass],
    limits: {},
    pace: dice.pick([0.3, 1, 1, 1, 3]),
    jitterMs: dice.pick([0.5, 2, 5]),
    hiccupMs: dice.magnitude(50, 2_000),
    troubledMs: isNoisy ? NOISE_MS : 0,
    isFaultless: !isNoisy,
    probability: {
      ...QUIET.probability,
      conflict: noise(0.002, 0.05),
      lostReply: noise(0.01, 0.1),
      slowMutation: noise(0.005, 0.05),
      hiccup: noise(0.0005, 0.005),
    },
    perMinute: QUIET.perMinute,
    theme,
    pools,
    blows: drawBlows(dice, theme),
    ownCallsMs: dice.chance(0.3) ? dice.magnitude(200, 10_000) : null,
    isLight: false,
  };
}

function drawPool(
  dice: Dice,
  name: PoolSetting["name"],
  maxWorks: number,
): PoolSetting {
  const works = Math.round(dice.magnitude(6, maxWorks));
  // Most queues are deeper than their pool is wide.
  const limit = dice.chance(0.1)
    ? dice.magnitude(1, MAX_LIMIT)
    : works / dice.magnitude(0.7, 30);
  return { name, works, limit: Math.max(1, Math.round(limit)) };
}

/** Everything is in flight at once. */
function makeWide(dice: Dice, pool: PoolSetting): void {
  pool.works = dice.integer(30, 250);
  pool.limit = dice.integer(Math.ceil(pool.works / 2), MAX_LIMIT);
}

function drawBlows(dice: Dice, theme: Theme): Blow[] {
  if (theme === "heavy restart") {
    return [{ at: dice.between(3_000, 8_000), kind: "restart" }];
  }
  return Array.from({ length: dice.pick([0, 0, 0, 1, 1, 2, 3]) }, () => ({
    at: dice.magnitude(300, LATEST_BLOW_MS),
    kind: dice.weighted({ restart: 2, systemError: 1, outOfMemory: 1 }),
  }));
}

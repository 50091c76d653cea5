/** What a seed decides about a history of the profile `light` before it begins. */
import {
  CONCURRENCY,
  type DeploymentClass,
} from "../../embedded/src/runtime/limits.js";
import type { CornerSetting, PoolSetting } from "../corners/setting.js";
import { Dice } from "../dice.js";
import { QUIET } from "../setting.js";

const MAX_LIMIT = 500;
/** An executor dies while chains are under way. */
const LATEST_BLOW_MS = 20_000;

export function drawLightSetting(seed: number): CornerSetting {
  const dice = new Dice(seed, 21);
  const deploymentClass: DeploymentClass = dice.pick([
    "S16",
    "S16",
    "S256",
    "D1024",
  ]);
  const pools = [drawPool(dice, "workpool")];
  if (dice.chance(0.25)) pools.push(drawPool(dice, "second"));
  return {
    ...QUIET,
    seed,
    deploymentClass,
    concurrency: CONCURRENCY[deploymentClass],
    limits: {},
    pace: dice.pick([0.3, 1, 1, 3]),
    jitterMs: dice.pick([0.5, 2, 5]),
    hiccupMs: 0,
    troubledMs: 0,
    isFaultless: true,
    theme: null,
    pools,
    blows: dice.chance(0.15)
      ? [{ at: dice.magnitude(300, LATEST_BLOW_MS), kind: "systemError" }]
      : [],
    ownCallsMs: dice.chance(0.7) ? dice.magnitude(50, 1_000) : null,
    isLight: true,
  };
}

function drawPool(dice: Dice, name: PoolSetting["name"]): PoolSetting {
  return { name, works: 0, limit: Math.round(dice.magnitude(1, MAX_LIMIT)) };
}

/** What a seed decides about a history of the profile `life` before it begins. */
import { Dice } from "../dice.js";
import { drawSetting, type Setting } from "../setting.js";

export interface LifeSetting extends Setting {
  limit: number;
}

const MAX_LIMIT = 30;
/** What clocks show is what passes, so that times can be judged; and nobody meddles by hand. */
const NEVER = {
  cancelByHand: 0,
  collect: 0,
  clockForward: 0,
  clockStands: 0,
  crowd: 0,
  setLimit: 0,
};

/** The faults are those of the profile `classic`, as often as there. */
export function drawLifeSetting(seed: number): LifeSetting {
  const dice = new Dice(seed, 31);
  const setting = drawSetting(seed);
  return {
    ...setting,
    limits: {},
    hiccupMs: Math.min(500, setting.hiccupMs),
    deploymentClass: dice.pick(["S16", "S256", "D1024"]),
    perMinute: { ...setting.perMinute, ...NEVER },
    limit: Math.round(dice.magnitude(1, MAX_LIMIT)),
  };
}

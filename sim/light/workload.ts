/**
 * What the clients of a history of the profile `light` enqueue: chains, whose works
 * follow each other; fans, whose works come together; and single works in between.
 */
import type { CornerSetting, PoolSetting } from "../corners/setting.js";
import {
  type CornerWorkload,
  type Submission,
  withChildren,
} from "../corners/workload.js";
import type { Spec } from "../app/convex/specs.js";
import { Dice } from "../dice.js";

/** Of all roots together, in one pool. */
const MAX_WORKS = 400;
const MAX_CHAINS = 50;
const MAX_HOPS = 30;
const MAX_FANS = 5;
const MAX_WIDTH = 50;
const MAX_SINGLES = 40;
const MAX_MS = 400;
/** When the last root comes. */
const SPREAD_MS = 10_000;

export function drawLightWorkload(setting: CornerSetting): CornerWorkload {
  const dice = new Dice(setting.seed, 22);
  const submissions = setting.pools.flatMap((pool) => drawRoots(dice, pool));
  return {
    specs: withChildren(submissions.flatMap(({ specs }) => specs)),
    submissions,
    cancelsAt: [],
  };
}

function drawRoots(dice: Dice, pool: PoolSetting): Submission[] {
  const roots = new Roots(dice, pool);
  const habit = dice.pick(["chains", "fans", "all"] as const);
  if (habit !== "fans") {
    const hops = dice.integer(2, MAX_HOPS);
    const most = Math.min(MAX_CHAINS, MAX_WORKS / hops);
    const count = Math.round(dice.magnitude(1, most));
    roots.add("chain", count, { width: 1, depth: hops });
  }
  if (habit !== "chains") {
    const depth = dice.pick([1, 1, 2]);
    const width = dice.integer(2, depth === 1 ? MAX_WIDTH : 10);
    roots.add("fan", dice.integer(1, MAX_FANS), { width, depth });
  }
  const singles = dice.chance(0.5) ? dice.integer(1, MAX_SINGLES) : 0;
  roots.add("single", singles, null);
  return roots.submissions;
}

class Roots {
  readonly submissions: Submission[] = [];
  private readonly spreadMs: number;

  constructor(
    private readonly dice: Dice,
    private readonly pool: PoolSetting,
  ) {
    this.spreadMs = dice.pick([0, dice.magnitude(100, SPREAD_MS)]);
  }

  add(
    kind: string,
    count: number,
    family: { width: number; depth: number } | null,
  ): void {
    const { dice, pool, spreadMs } = this;
    const fnType = dice.pick(["action", "action", "mutation"] as const);
    const ms = fnType === "action" ? Math.round(dice.magnitude(1, MAX_MS)) : 0;
    const from = dice.pick(["callback", "callback", "handler"] as const);
    const callback = from === "callback" || dice.chance(0.5);
    for (let index = 0; index < count; index++) {
      const spec: Spec = {
        key: `${pool.name} ${kind} ${index}`,
        pool: { name: pool.name, limit: pool.limit },
        fnType,
        ms,
        fails: false,
        argBytes: 10,
        contextBytes: callback ? 10 : 0,
        resultBytes: 10,
        runAfter: 0,
        callback,
        failuresOnly: false,
        family: family && { from, ...family },
      };
      const at = dice.between(0, 1 + spreadMs);
      this.submissions.push({ at, specs: [spec], together: false });
    }
  }
}

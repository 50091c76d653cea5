/** What the clients of a history of the profile `corners` enqueue, and when. */
import { childrenFrom, type Spec } from "../app/convex/specs.js";
import { Dice } from "../dice.js";
import type { CornerSetting, PoolSetting, Theme } from "./setting.js";

export interface Submission {
  /** Milliseconds after the beginning. */
  at: number;
  specs: Spec[];
  /** As batches. */
  together: boolean;
}

export interface CornerWorkload {
  /** By key; those that works enqueue included. */
  specs: Map<string, Spec>;
  submissions: Submission[];
  /** When everything is canceled. */
  cancelsAt: number[];
}

const MINUTE_MS = 60_000;
/** What declares nothing may take so long. */
const UNDECLARED_MS = 10 * MINUTE_MS;
const DECLARED_MS = 27 * MINUTE_MS;
/** The largest arguments, contexts and results, with what is around them. */
const MAX_BYTES = 985_000;
/** All payloads of a history together, of most and of some: a megabyte takes longer to move about than twenty works. */
const BUDGET_BYTES = [2_000_000, 25_000_000] as const;
/** So long takes all that a history enqueues, with all slots taken. */
const BUDGET_MS = 30 * MINUTE_MS;
const MAX_DESCENDANTS = 200;
/** One mutation enqueues no more. */
const SUBMITTED_BYTES = 5_000_000;
const SUBMITTED_WORKS = 200;

/** In flight for long enough to be hit. */
const HEAVY_MS = 20_000;
const HEAVY_BYTES = 30_000_000;

/** Where the next duration comes from. */
type Durations = (dice: Dice) => number;

export function drawCornerWorkload(setting: CornerSetting): CornerWorkload {
  const dice = new Dice(setting.seed, 12);
  const submissions = setting.pools.flatMap((pool) =>
    new Draw(dice, pool, setting).submissions(),
  );
  const specs = withChildren(submissions.flatMap(({ specs }) => specs));
  const cancelsAt = dice.chance(0.1) ? [dice.magnitude(200, MINUTE_MS)] : [];
  return { specs, submissions, cancelsAt };
}

/** These and all that they enqueue, by key. */
export function withChildren(roots: readonly Spec[]): Map<string, Spec> {
  const specs = new Map<string, Spec>();
  const add = (spec: Spec): void => {
    specs.set(spec.key, spec);
    for (const place of ["handler", "callback"] as const) {
      childrenFrom(spec, place).forEach(add);
    }
  };
  roots.forEach(add);
  return specs;
}

class Draw {
  private readonly durations: Durations;
  private readonly habits;
  private bytesLeft: number;
  private msLeft: number;
  private descendantsLeft = MAX_DESCENDANTS;

  constructor(
    private readonly dice: Dice,
    private readonly pool: PoolSetting,
    setting: CornerSetting,
  ) {
    const { actions } = setting.concurrency;
    const slots = Math.min(pool.limit, actions / 2);
    const { theme } = setting;
    const isHeavy = theme === "heavy restart" && pool.name === "workpool";
    this.msLeft = BUDGET_MS * slots;
    this.durations = isHeavy ? () => HEAVY_MS : drawDurations(dice, theme);
    const [most, some] = BUDGET_BYTES;
    this.bytesLeft = isHeavy
      ? HEAVY_BYTES
      : (dice.chance(0.25) ? some : most) / setting.pools.length;
    const { works } = pool;
    // Many small ones, or a few large ones.
    const each = this.bytesLeft / works;
    const bytes = () =>
      Math.min(drawBytes(dice), dice.chance(0.8) ? each : Infinity);
    this.habits = {
      works,
      kinds: {
        action: 1,
        mutation: dice.pick([0, 0, 0.1, 1]),
        query: dice.pick([0, 0, 0.1]),
      },
      argBytes: isHeavy ? 1.5 * each : bytes(),
      contextBytes: bytes(),
      resultBytes: isHeavy ? 1 : bytes(),
      skewed: dice.pick([0, 0, 0.02]),
      declared: theme === "long works" ? 0.3 : dice.pick([0, 0, 0, 0.1]),
      failing: dice.pick([0, 0, 0.05]),
      // What was lost ends, and with it what it holds.
      retried: isHeavy ? 0 : dice.pick([0, 0.3, 1]),
      delayed: dice.pick([0, 0, 0.3]),
      callbacks: dice.pick([0, 0.5, 1]),
      failuresOnly: dice.pick([0, 0, 0.5]),
      families: dice.pick([0, 0, 0, 0.05]),
    };
  }

  submissions(): Submission[] {
    const { dice, habits } = this;
    const spreadMs = dice.pick([0, 0, dice.magnitude(1_000, 5 * MINUTE_MS)]);
    const together = dice.chance(0.4);
    const size = Math.round(dice.magnitude(1, SUBMITTED_WORKS));
    const submissions: Submission[] = [];
    let specs: Spec[] = [];
    let bytes = 0;
    const submit = () => {
      const at = dice.between(0, 1 + spreadMs);
      if (specs.length > 0) submissions.push({ at, specs, together });
      specs = [];
      bytes = 0;
    };
    for (let index = 0; index < habits.works; index++) {
      if (this.bytesLeft < 0 || this.msLeft < 0) break;
      const spec = this.spec(`${this.pool.name}${index}`, together);
      bytes += spec.argBytes + spec.contextBytes;
      if (specs.length >= size || bytes > SUBMITTED_BYTES) submit();
      specs.push(spec);
    }
    submit();
    return submissions;
  }

  /** Works that are enqueued as a batch have their options in common. */
  private spec(key: string, together: boolean): Spec {
    const { dice, habits } = this;
    const fnType = dice.weighted(habits.kinds);
    const declares = !together && dice.chance(habits.declared);
    const ms = this.duration(declares);
    const callback = !together && dice.chance(habits.callbacks);
    const spec: Spec = {
      key,
      pool: { name: this.pool.name, limit: this.pool.limit },
      fnType,
      ms: fnType === "action" ? ms : 0,
      fails: dice.chance(habits.failing),
      argBytes: this.bytes(habits.argBytes),
      contextBytes: callback ? this.bytes(habits.contextBytes) : 0,
      resultBytes: this.bytes(habits.resultBytes),
      ...(declares
        ? {
            timeoutMs: Math.round(
              dice.between(Math.max(ms, 1_000), DECLARED_MS),
            ),
          }
        : {}),
      ...(!together && dice.chance(habits.retried)
        ? {
            retry: {
              maxAttempts: dice.integer(1, 3),
              initialBackoffMs: Math.round(dice.magnitude(10, 2_000)),
              base: 2,
            },
          }
        : {}),
      runAfter:
        !together && dice.chance(habits.delayed)
          ? Math.round(dice.magnitude(10, 5 * MINUTE_MS))
          : 0,
      callback,
      failuresOnly: callback && dice.chance(habits.failuresOnly),
      family: null,
    };
    spec.family = this.family(spec);
    this.pay(spec);
    return spec;
  }

  private duration(declares: boolean): number {
    return Math.round(
      declares
        ? this.dice.magnitude(UNDECLARED_MS / 2, DECLARED_MS * 0.99)
        : Math.min(this.durations(this.dice), UNDECLARED_MS * 0.98),
    );
  }

  private bytes(typical: number): number {
    const { dice, habits } = this;
    return Math.round(
      dice.chance(habits.skewed)
        ? MAX_BYTES
        : Math.min(MAX_BYTES, typical * dice.between(0.3, 1)),
    );
  }

  /** A chain, or a fan. Only of short works: one after the other they take their time. */
  private family({ ms, callback, fnType }: Spec): Spec["family"] {
    const { dice, habits } = this;
    if (ms > 5_000 || fnType === "query" || !dice.chance(habits.families)) {
      return null;
    }
    const isChain = dice.chance(0.5);
    const width = isChain ? 1 : dice.integer(2, 10);
    const depth = isChain ? dice.integer(1, 15) : dice.integer(1, 2);
    const size = isChain ? depth : width + (depth - 1) * width ** 2;
    if (size > this.descendantsLeft) return null;
    this.descendantsLeft -= size;
    const from = callback && dice.chance(0.7) ? "callback" : "handler";
    return { from, width, depth };
  }

  private pay({ argBytes, contextBytes, resultBytes, ms, family }: Spec): void {
    const count = family ? 1 + family.width * family.depth : 1;
    this.bytesLeft -= count * (argBytes + contextBytes + resultBytes);
    this.msLeft -= count * ms;
  }
}

/** In one history most values are small, in another one large. */
function drawBytes(dice: Dice): number {
  return dice.chance(0.6)
    ? dice.magnitude(1, 2_000)
    : dice.magnitude(2_000, MAX_BYTES * 1.5);
}

function drawDurations(dice: Dice, theme: Theme): Durations {
  if (theme === "long works") {
    return () => dice.between(UNDECLARED_MS / 3, UNDECLARED_MS);
  }
  const typical = dice.magnitude(1, 2 * MINUTE_MS);
  switch (dice.pick(["alike", "spread", "rarely long", "anything"] as const)) {
    case "alike":
      return () => typical * dice.between(0.8, 1.2);
    case "spread":
      return () => typical * dice.between(0.3, 3);
    case "rarely long": {
      const share = dice.pick([0.02, 0.05, 0.2]);
      const long = typical * dice.magnitude(10, 100);
      return () => (dice.chance(share) ? long : typical);
    }
    case "anything":
      return () => dice.magnitude(1, UNDECLARED_MS);
  }
}

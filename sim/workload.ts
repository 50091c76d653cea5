/** What the clients of a history do: who enqueues what and when, cancels it, asks for it. */
import type { Work } from "./app/convex/works.js";
import { Dice } from "./dice.js";

/** A work as it was planned, whoever enqueues it. */
export interface PlannedWork extends Work {
  args: { key: string; [field: string]: unknown };
}

export interface ClientCall {
  /** Milliseconds after the beginning. */
  at: number;
  type: "query" | "mutation" | "action";
  /** Of `app/convex/clients.ts`. */
  name: string;
  args: Record<string, unknown>;
}

export interface Workload {
  /** By key; those that further works are enqueued by included. */
  works: Map<string, PlannedWork>;
  calls: ClientCall[];
  /** How probable it is that a client enqueues something just as the loop looks. */
  shadow: number;
}

const TROUBLES = {
  throws: 6,
  "is hopeless": 2,
  "returns too much": 1,
  "returns the wrong type": 2,
  "returns no value of Convex": 2,
  "writes the wrong type": 2,
  "schedules too much": 0.1,
  "never returns": 0.5,
};

const CALLBACKS = {
  record: 10,
  recordAndCount: 4,
  recordSometimes: 2,
  recordAndSubmit: 1,
  recordAndFail: 0.5,
  recordAndExceed: 0.03,
  recordAndHang: 0.3,
  recordAndVanish: 1,
};

/** Larger than what works keep inline. */
const LARGE = 9_000;

export function drawWorkload(seed: number, durationMs: number): Workload {
  const dice = new Dice(seed, 2);
  return new Draw(dice, drawHabits(dice), durationMs).everything();
}

/** What makes the works of one history resemble each other. */
function drawHabits(dice: Dice) {
  return {
    works: Math.round(dice.magnitude(4, 60)),
    kinds: {
      act: dice.between(0, 4),
      mutate: dice.between(0, 4),
      read: dice.between(0, 2),
      inTrouble: dice.between(0, 2),
      large: dice.between(0, 0.7),
      vanishing: dice.between(0, 0.7),
    },
    typicalMs: dice.magnitude(1, 20_000),
    delayed: dice.pick([0, 0.2, 0.8]),
    batched: dice.next(),
    bursts: dice.integer(1, 6),
    canceled: dice.pick([0, 0.1, 0.5]),
    looks: dice.integer(0, 4),
    shadow: dice.pick([0, 0.05, 0.15, 0.4]),
  };
}

class Draw {
  private readonly works = new Map<string, PlannedWork>();
  private readonly calls: ClientCall[] = [];

  constructor(
    private readonly dice: Dice,
    private readonly habits: ReturnType<typeof drawHabits>,
    private readonly durationMs: number,
  ) {}

  everything(): Workload {
    const { dice, habits, durationMs } = this;
    const bursts = Array.from({ length: habits.bursts }, () =>
      dice.between(0, durationMs),
    );
    while (this.works.size < habits.works) {
      const together = dice.chance(habits.batched);
      const size = dice.chance(0.4) ? 1 : dice.integer(2, together ? 12 : 4);
      const at = dice.chance(0.6)
        ? dice.pick(bursts) + dice.between(0, 300)
        : dice.between(0, durationMs);
      this.enqueue(at, together, this.some(size));
    }
    for (const key of this.works.keys()) {
      if (dice.chance(habits.canceled)) this.cancel(key);
    }
    if (dice.chance(0.15)) {
      this.call(dice.between(0, durationMs), "mutation", "cancelAll", {
        limit: dice.integer(1, 30),
      });
    }
    for (let looks = 0; looks < habits.looks; looks++) {
      this.call(dice.between(0, durationMs), "query", "look", {});
    }
    const { shadow } = habits;
    return { works: this.works, calls: this.calls, shadow };
  }

  private some(size: number): PlannedWork[] {
    return Array.from({ length: size }, () => this.work());
  }

  private call(
    at: number,
    type: ClientCall["type"],
    name: string,
    args: ClientCall["args"],
  ): void {
    this.calls.push({ at, type, name, args });
  }

  private enqueue(at: number, together: boolean, works: PlannedWork[]): void {
    const { dice } = this;
    if (!together && dice.chance(0.15)) {
      this.call(at, "action", "submitFromAction", { works });
      return;
    }
    this.call(at, "mutation", "submit", {
      works,
      together,
      dawdle: dice.chance(0.2) ? dice.integer(1, 30) : 0,
      fail: dice.chance(0.05),
    });
  }

  /** Not long after it may have been enqueued: that is when it matters. */
  private cancel(key: string): void {
    const { dice } = this;
    const enqueue = this.calls.find(({ args }) =>
      (args.works as PlannedWork[] | undefined)?.some(
        (work) => work.args.key === key,
      ),
    );
    const after = dice.chance(0.5)
      ? dice.between(0, 500)
      : dice.between(0, this.habits.typicalMs * 2);
    const at = (enqueue?.at ?? 0) + after;
    this.call(at, "mutation", "cancel", { key });
  }

  private work(): PlannedWork {
    const { dice } = this;
    const key = `w${this.works.size}`;
    const work: PlannedWork = { ...this.target(key), ...this.options(key) };
    this.works.set(key, work);
    if (work.onComplete === "recordAndSubmit") {
      const works = this.some(dice.integer(1, 2));
      work.context = { key, works };
    }
    return work;
  }

  private target(key: string): Pick<PlannedWork, "fn" | "fnType" | "args"> {
    const { dice } = this;
    const ms = Math.round(this.duration());
    switch (dice.weighted(this.habits.kinds)) {
      case "act": {
        const failures = dice.chance(0.3) ? dice.integer(1, 3) : 0;
        return { fnType: "action", fn: "act", args: { key, ms, failures } };
      }
      case "mutate": {
        const tally = dice.chance(0.2) ? { tally: "shared" } : {};
        const args = { key, fail: dice.chance(0.1), ...tally };
        return dice.chance(0.1)
          ? { fnType: "mutation", fn: "renamed", args: { key } }
          : { fnType: "mutation", fn: "mutate", args };
      }
      case "read":
        return { fnType: "query", fn: "read", args: { key } };
      case "inTrouble":
        return this.inTrouble(key, ms);
      case "large": {
        const padding = "p".repeat(dice.pick([10, LARGE]));
        const resultBytes = dice.pick([10, LARGE]);
        const args = { key, padding, resultBytes };
        return dice.chance(0.5)
          ? { fnType: "action", fn: "inflate", args }
          : { fnType: "mutation", fn: "inflateInTransaction", args };
      }
      case "vanishing":
        return { fnType: "action", fn: "vanishing", args: { key, ms } };
    }
  }

  private inTrouble(
    key: string,
    ms: number,
  ): Pick<PlannedWork, "fn" | "fnType" | "args"> {
    const { dice } = this;
    const trouble = dice.weighted(TROUBLES);
    const args = { key, trouble };
    switch (dice.pick(["action", "mutation", "query"] as const)) {
      case "action":
        return { fnType: "action", fn: "actInTrouble", args: { ...args, ms } };
      case "mutation":
        return { fnType: "mutation", fn: "mutateInTrouble", args };
      case "query":
        return { fnType: "query", fn: "readInTrouble", args };
    }
  }

  private duration(): number {
    const { dice } = this;
    return dice.chance(0.05)
      ? dice.magnitude(1, 60_000)
      : dice.magnitude(this.habits.typicalMs / 10, this.habits.typicalMs * 2);
  }

  private options(key: string): Partial<PlannedWork> {
    const { dice } = this;
    const onComplete = dice.chance(0.2) ? null : dice.weighted(CALLBACKS);
    return {
      ...(dice.chance(0.6)
        ? {
            retry: {
              maxAttempts: dice.integer(1, 5),
              initialBackoffMs: Math.round(dice.magnitude(1, 2_000)),
              base: dice.pick([1, 2]),
            },
          }
        : {}),
      ...(dice.chance(this.habits.delayed)
        ? { runAfter: Math.round(dice.magnitude(1, 60_000)) }
        : {}),
      onComplete,
      ...(onComplete === null
        ? {}
        : {
            context: { key },
            ...(dice.chance(0.3)
              ? {
                  excludeKinds: dice.some(
                    ["success", "failed", "canceled"] as const,
                    0.4,
                  ),
                }
              : {}),
          }),
      statusTtl: dice.pick([0, 2_000, FOR_EVER, FOR_EVER]),
    };
  }
}

/** Longer than any history: what was retained is still there at the end. */
export const FOR_EVER = 7 * 24 * 60 * 60_000;

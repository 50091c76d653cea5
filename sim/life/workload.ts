/** What the clients of a history of the profile `life` do: enqueue, also by keys; and whatever can be done to works. */
import type { Deed, LifeSpec } from "../app/convex/lifeSpecs.js";
import { Dice } from "../dice.js";
import type { LifeSetting } from "./setting.js";

/** A mutation that a client calls. */
export interface LifeCall {
  at: number;
  name: string;
  args: Record<string, unknown>;
}

export interface LifeWorkload {
  specs: ReadonlyMap<string, LifeSpec>;
  calls: readonly LifeCall[];
}

/** Longer than any history, so that outcomes are still there at its end. */
const RETAINED_MS = 7 * 24 * 60 * 60_000;
const KEPT = {
  success: RETAINED_MS,
  failed: RETAINED_MS,
  canceled: RETAINED_MS,
};
const MAX_BURST = 4;

export function drawLifeWorkload(setting: LifeSetting): LifeWorkload {
  const clients = new Clients(new Dice(setting.seed, 32), setting);
  clients.enqueue();
  clients.enqueueByKeys();
  clients.meddle();
  clients.pause();
  return clients;
}

class Clients implements LifeWorkload {
  readonly specs = new Map<string, LifeSpec>();
  readonly calls: LifeCall[] = [];
  /** When each was enqueued. */
  private readonly times = new Map<string, number>();
  private readonly spanMs: number;

  constructor(
    private readonly dice: Dice,
    private readonly setting: LifeSetting,
  ) {
    this.spanMs = 0.8 * setting.troubledMs;
  }

  enqueue(): void {
    const { dice, setting } = this;
    const count = Math.round(dice.magnitude(20, 150));
    for (let index = 0; index < count;) {
      const at = dice.between(0, this.spanMs);
      const size = Math.min(count - index, dice.pick([1, 1, 1, 3, 10]));
      const specs = Array.from({ length: size }, () =>
        this.spec(`w${index++}`, at),
      );
      this.add(at, "submit", { limit: setting.limit, specs });
    }
  }

  enqueueByKeys(): void {
    const { dice, setting } = this;
    const keys = dice.integer(1, 4);
    for (let index = 0; index < keys; index++) {
      const unique = this.unique(`key${index}`);
      const isRetained = unique.scope === "retained";
      const bursts = dice.integer(4, 16);
      // So close that they find one another.
      const spanMs = Math.min(this.spanMs, dice.magnitude(3_000, 40_000));
      const from = dice.between(0, this.spanMs - spanMs);
      for (let burst = 0; burst < bursts; burst++) {
        const at = from + dice.between(0, spanMs);
        const size = dice.integer(1, MAX_BURST);
        for (let client = 0; client < size; client++) {
          const spec = this.spec(`u${index}.${burst}.${client}`, at);
          if (isRetained) spec.options.statusTtl = KEPT;
          // When it is due is said already; and it would have to begin before.
          if ("delayMs" in unique) {
            delete spec.options.expireAfter;
            delete spec.options.runAfter;
          }
          const args = { limit: setting.limit, spec, unique };
          this.add(at + dice.between(0, 30), "submitUnique", args);
        }
      }
    }
  }

  /** One key has one scope. */
  private unique(key: string): Record<string, unknown> {
    const { dice } = this;
    const scope = dice.pick([
      "waiting",
      "active",
      "active",
      "retained",
      { windowMs: Math.round(dice.magnitude(500, 20_000)) },
    ]);
    const onDuplicate = dice.pick(
      scope === "active"
        ? ["return", "replace", "runAgain", "runAgain"]
        : ["return", "replace"],
    );
    const delays = onDuplicate === "replace" && dice.chance(0.6);
    const delayMs = Math.round(dice.magnitude(100, 5_000));
    return {
      key,
      scope,
      onDuplicate,
      ...(delays ? { delayMs } : {}),
      ...(delays && dice.chance(0.7) ? { maxDelayMs: 3 * delayMs } : {}),
    };
  }

  private spec(key: string, at: number): LifeSpec {
    const { dice } = this;
    const fnType = dice.pick([
      "action",
      "action",
      "action",
      "mutation",
      "query",
    ] as const);
    const isAction = fnType === "action";
    const timeoutMs =
      isAction && dice.chance(0.4) ? dice.integer(1_000, 5_000) : null;
    const runAfter = dice.chance(0.25) ? this.ms(100, 20_000) : 0;
    const attached = isAction && dice.chance(0.3);
    const heartbeatTimeoutMs =
      attached && dice.chance(0.6) ? this.ms(1_500, 5_000) : null;
    const spec: LifeSpec = {
      key,
      fnType,
      deeds: this.deeds(timeoutMs, attached, heartbeatTimeoutMs),
      attached,
      listens: dice.chance(0.5),
      callback: dice.pick(["none", "always", "always", "sometimes"]),
      options: {
        ...(timeoutMs === null
          ? {}
          : { timeoutMs, onTimeout: dice.pick(["hold", "release"]) }),
        ...(heartbeatTimeoutMs === null ? {} : { heartbeatTimeoutMs }),
        ...(isAction && dice.chance(0.6) ? { retry: this.retry() } : {}),
        ...(runAfter > 0 ? { runAfter } : {}),
        ...(dice.chance(0.25)
          ? { expireAfter: runAfter + this.ms(200, 30_000) }
          : {}),
        ...(dice.chance(0.75)
          ? { statusTtl: KEPT }
          : dice.chance(0.3)
            ? { statusTtl: 0 }
            : {}),
        ...(dice.chance(0.3) ? { tags: dice.some(["a", "b", "c"], 0.7) } : {}),
      },
    };
    this.specs.set(key, spec);
    this.times.set(key, at);
    return spec;
  }

  private ms(from: number, to: number): number {
    return Math.round(this.dice.magnitude(from, to));
  }

  private deeds(
    timeoutMs: number | null,
    attached: boolean,
    heartbeatTimeoutMs: number | null,
  ): Deed[] {
    const { dice } = this;
    const ifAttached = attached ? 1 : 0;
    const last = dice.pick(["succeed", "succeed", "fail"] as const);
    const before = Array.from({ length: dice.integer(0, 3) }, () =>
      dice.weighted({
        succeed: 2,
        fail: 3,
        hopeless: 0.4,
        hang: timeoutMs === null ? 0 : 3,
        snooze: 1,
        limit: 0.6,
        continue: 2 * ifAttached,
        suspend: 2 * ifAttached,
        suspendAndFail: ifAttached,
        freeze: heartbeatTimeoutMs === null ? 0 : 4,
      }),
    );
    return [...before, last].map((does) => ({
      does,
      ms:
        does === "hang"
          ? timeoutMs! + this.ms(500, 8_000)
          : does === "freeze"
            ? heartbeatTimeoutMs! +
              (dice.chance(0.5) ? this.ms(500, 10_000) : 30_000)
            : this.ms(5, dice.chance(0.1) ? 15_000 : 3_000),
    }));
  }

  private retry(): Record<string, unknown> {
    const { dice } = this;
    const maxAttempts = dice.integer(2, 4);
    const some = (name: string, value: number) =>
      dice.chance(0.4) ? { [name]: value } : {};
    const bounds = {
      maxAttempts,
      ...some("jitter", dice.next()),
      ...some("maxElapsedMs", this.ms(1_000, 30_000)),
    };
    if (dice.chance(0.3)) {
      return {
        ...bounds,
        intervalsMs: [this.ms(10, 500), this.ms(500, 5_000)],
      };
    }
    return {
      ...bounds,
      initialBackoffMs: this.ms(10, 2_000),
      base: 2,
      ...some("maxBackoffMs", 3_000),
    };
  }

  /** What is done to works, in every state they can be in. */
  meddle(): void {
    const { dice } = this;
    for (const [key, at] of this.times) {
      if (dice.chance(0.2)) this.tell("cancel", key, at);
      if (dice.chance(0.15)) {
        this.tell("cancel", key, at, { running: "abandon" });
      }
      if (dice.chance(0.2)) {
        const runAfter = dice.pick([0, 0, this.ms(10, 10_000)]);
        this.tell("update", key, at, { runAfter });
      }
      for (let again = 0; again < 2; again++) {
        if (!dice.chance(0.4)) continue;
        const resetAttempts = dice.chance(0.7);
        this.tell("retry", key, at + 3_000, { resetAttempts });
      }
      if (dice.chance(0.2)) this.tell("forget", key, at);
      const suspends = this.specs
        .get(key)!
        .deeds.some(({ does }) => does.startsWith("suspend"));
      for (let again = 0; again < 2; again++) {
        if (!dice.chance(suspends ? 0.6 : 0.05)) continue;
        if (dice.chance(0.7)) this.tell("complete", key, at, "from outside");
        else this.tell("fail", key, at, "from outside");
      }
      if (dice.chance(0.05)) this.tell("retryCallbacks", key, at + 1_000);
    }
    const fnName = dice.pick(["lifeJobs:act", "lifeJobs:mutate"]);
    const filter = dice.chance(0.5) ? { fnName } : {};
    const spread = dice.chance(0.5) ? { spreadMs: 5_000 } : {};
    this.some(3, "retry", { filter, ...spread });
    this.some(1, "retryCallbacks", { filter });
    if (dice.chance(0.3)) this.some(1, "forget", { filter });
    if (dice.chance(0.3)) this.some(1, "cancelMany", filter);
  }

  private some(most: number, op: string, filter: unknown): void {
    const count = this.dice.integer(0, most);
    for (let index = 0; index < count; index++) {
      const at = this.dice.between(0, this.setting.troubledMs);
      this.add(at, "tellMany", { op, filter });
    }
  }

  private tell(
    op: string,
    key: string,
    from: number,
    options?: object | string,
  ): void {
    const at = from + this.dice.magnitude(20, 15_000);
    this.add(at, "tellOne", { op, key, ...(options ? { options } : {}) });
  }

  pause(): void {
    const { dice, calls } = this;
    const pauses = dice.pick([0, 0, 1, 2]);
    for (let index = 0; index < pauses; index++) {
      const at = dice.between(0, this.spanMs);
      const until = at + dice.magnitude(500, 45_000);
      const name = "requests:setLimit";
      calls.push({ at, name, args: { maxParallelism: 0 } });
      calls.push({ at: until, name, args: { maxParallelism: null } });
    }
  }

  private add(at: number, name: string, args: Record<string, unknown>): void {
    this.calls.push({ at, name: `life:${name}`, args });
  }
}

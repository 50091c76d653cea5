import { describe, expect, test } from "vitest";
import { decideWake, type WakeReason } from "./wake.js";

const NOW = 1_700_000_000_000;
type Status = Parameters<typeof decideWake>[0];

const status = (
  state: Status["state"],
  validUntil: number | null = NOW + 1000,
): Status => ({ state, validUntil });

const IN = {
  idle: status({ kind: "idle" }, null),
  scheduled: status({ kind: "scheduled", at: NOW + 5000 }),
  running: status({ kind: "running" }),
  saturated: status({ kind: "saturated" }),
};

const REASONS = {
  "work that may run now": { kind: "work", dueAt: NOW },
  "work due before the next tick": { kind: "work", dueAt: NOW + 4999 },
  "work due with the next tick": { kind: "work", dueAt: NOW + 5000 },
  "work due after it": { kind: "work", dueAt: NOW + 9000 },
  "freed capacity": { kind: "capacity" },
  "changed settings": { kind: "settings" },
} satisfies Record<string, WakeReason>;

type Row = Record<keyof typeof IN, "tick" | "none">;
const quiet = { running: "none" } as const;
const TABLE: Record<keyof typeof REASONS, Row> = {
  "work that may run now": {
    idle: "tick",
    scheduled: "tick",
    ...quiet,
    saturated: "none",
  },
  "work due before the next tick": {
    idle: "tick",
    scheduled: "tick",
    ...quiet,
    saturated: "none",
  },
  "work due with the next tick": {
    idle: "tick",
    scheduled: "none",
    ...quiet,
    saturated: "none",
  },
  "work due after it": {
    idle: "tick",
    scheduled: "none",
    ...quiet,
    saturated: "none",
  },
  "freed capacity": {
    idle: "none",
    scheduled: "none",
    ...quiet,
    saturated: "tick",
  },
  "changed settings": {
    idle: "tick",
    scheduled: "tick",
    ...quiet,
    saturated: "tick",
  },
};

describe.each(Object.keys(TABLE) as (keyof typeof TABLE)[])("%s", (reason) => {
  test.each(Object.entries(TABLE[reason]))("%s: %s", (state, expected) => {
    const current = IN[state as keyof typeof IN];
    expect(decideWake(current, REASONS[reason], NOW)).toBe(expected);
  });
});

test("whoever finds the loop dead takes it over, whatever it came for", () => {
  for (const reason of Object.values(REASONS)) {
    for (const current of Object.values(IN)) {
      if (current === null) continue;
      const dead = { ...current, validUntil: NOW - 1 };
      expect(decideWake(dead, reason, NOW)).toBe("takeover");
      expect(decideWake({ ...current, validUntil: NOW }, reason, NOW)).not.toBe(
        "takeover",
      );
    }
  }
});

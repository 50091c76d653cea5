/** A pool with works in every state there is, and what shall become of each. */
import { act, keys, mutate, read } from "../../sim/works.js";
import type { Work } from "../../sim/app/convex/works.js";
import type { Simulation } from "./simulation.js";

const HOUR_MS = 60 * 60_000;
const FOR_EVER = 365 * 24 * HOUR_MS;
const LARGE = 9_000;
/** Not what the code declares: it has to survive. */
export const LIMIT = 6;

const retry = { maxAttempts: 4, initialBackoffMs: 100, base: 2 };
const kept = { statusTtl: FOR_EVER };

function inflate(key: string, runAfter: number): Work {
  const args = { key, padding: "p".repeat(LARGE), resultBytes: LARGE };
  return { fnType: "action", fn: "inflate", args, runAfter };
}

const ENDED = [
  mutate("written", {}, kept),
  mutate("refused", { fail: true }, kept),
  act("hopeless", { hopeless: true }, { ...kept, retry }),
  inflate("large", 0),
  mutate("callback owed", {}, { ...kept, onComplete: "recordAndFail" }),
];
const LONG = [
  act("retried", { ms: 60_000 }, { retry }),
  act("not retried", { ms: 60_000 }),
  act("canceled while it ran", { ms: 60_000 }, { retry }),
];
const WAITING = [
  act(
    "backing off",
    { failures: 1 },
    { retry: { ...retry, initialBackoffMs: 30_000 } },
  ),
  mutate("due later", {}, { runAfter: HOUR_MS }),
  act("canceled before", {}, { runAfter: HOUR_MS }),
  inflate("large, and due later", HOUR_MS),
];
const BACKLOG = keys(60, "backlog").flatMap((key, index) =>
  index % 3 === 0
    ? [mutate(key)]
    : index % 3 === 1
      ? [read(key)]
      : [act(key, { ms: 400 }, { retry })],
);

/** By key. What runs when the deployment stops has lost an attempt. */
export const OUTCOMES: Readonly<Record<string, string>> = Object.fromEntries(
  [...ENDED, ...LONG, ...WAITING, ...BACKLOG].map(({ args: { key } }) => [
    key,
    key === "refused" || key === "hopeless" || key === "not retried"
      ? "failed"
      : /^canceled/.test(key)
        ? "canceled"
        : "success",
  ]),
);

/** Mutations that wrote. */
export const EFFECTS: Readonly<Record<string, number>> = Object.fromEntries(
  [...ENDED, ...WAITING, ...BACKLOG]
    .filter(({ fn, args: { key } }) => fn === "mutate" && key !== "refused")
    .map(({ args: { key } }) => [key, 1]),
);

/** Fills the pool, and stops while it works. */
export async function becomeBusy(simulation: Simulation): Promise<void> {
  await simulation.setLimit(LIMIT);
  await simulation.enqueue(...ENDED);
  await simulation.pass(2_000);
  const ids = await simulation.enqueue(...LONG, ...WAITING);
  await simulation.pass(1_000);
  await simulation.enqueueTogether(...BACKLOG);
  await simulation.pass(500);
  for (const key of ["canceled while it ran", "canceled before"]) {
    const index = [...LONG, ...WAITING].findIndex(
      ({ args }) => args.key === key,
    );
    await simulation.mutation("cancel", { id: ids[index] });
  }
}

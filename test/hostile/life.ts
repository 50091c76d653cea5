/** A pool with a work in every state, and one that waits for the attack to be over. */
import schema from "../../src/component/schema.js";
import { callClient, callComponent, rows } from "./pool.js";
import type { Victim } from "./victim.js";

const DAY = 24 * 60 * 60_000;

/** What the loop and the workers note of themselves, whenever they like. */
const LOOPS_OWN = [
  "runStatus",
  "loopState",
  "executor",
  "executorStats",
  "recovery",
];
const TABLES = Object.keys(schema.tables).filter(
  (table) => !LOOPS_OWN.includes(table),
);

export interface Life {
  /** By state; "gone" has ended and is not kept, "healthy" waits. */
  ids: Record<
    | "failed"
    | "success"
    | "canceled"
    | "gone"
    | "running"
    | "suspended"
    | "scheduled"
    | "healthy",
    string
  >;
  /** What the running one was given as `thisWork`. */
  wire: string;
}

/** Everything that callers can change, in all pools. */
export function dump(victim: Victim): unknown {
  return Object.fromEntries(
    ["workpool", "other"].flatMap((pool) => [
      ...TABLES.map((table) => [`${pool} ${table}`, rows(victim, table, pool)]),
      [`${pool} scheduled`, scheduled(victim, pool)],
    ]),
  );
}

/** Pages of operations, cancels and deliveries: whatever callers' doing schedules. */
function scheduled(victim: Victim, pool: string): string[] {
  return rows(victim, "_scheduled_functions", pool)
    .map(({ name }) => name as string)
    .filter((name) => name.startsWith("work/"));
}

/** It is paused at the end, but for the work that runs. */
export async function populate(victim: Victim): Promise<Life> {
  const enqueue = async (fn: string, args: object, options: object) =>
    valueOf(
      await callClient(victim, "inMutation", "enqueueAction", [
        fn,
        args,
        options,
      ]),
    );
  const kept = { statusTtl: DAY };
  const work = "make thisWork";
  await setLimit(victim, 20);
  const ids: Life["ids"] = {
    failed: await enqueue("failing", {}, kept),
    success: await enqueue("act", {}, { ...kept, tags: ["a"] }),
    gone: await enqueue("act", {}, {}),
    running: await enqueue("holding", { work }, {}),
    suspended: await enqueue("suspending", { work }, kept),
    canceled: await enqueue("act", {}, { ...kept, runAfter: DAY }),
    scheduled: valueOf(
      await callClient(victim, "inMutation", "enqueueUniqueAction", [
        "act",
        {},
        { runAfter: DAY, unique: { key: "scheduled", scope: "active" } },
      ]),
    ).id,
    healthy: "",
  };
  await callClient(victim, "inMutation", "cancel", [ids.canceled]);
  await until(victim, ids.failed, ({ state }) => state === "finished");
  await until(victim, ids.success, ({ state }) => state === "finished");
  await until(victim, ids.suspended, ({ state }) => state === "suspended");
  await until(victim, ids.gone, (info) => info === null);
  let wire: string | undefined;
  while (wire === undefined) {
    wire = notes(victim).find((text) => text.startsWith("holds "));
    await nextLook();
  }
  await setLimit(victim, 0);
  ids.healthy = await enqueue("act", {}, kept);
  return { ids, wire: wire.slice("holds ".length) };
}

/** Who waited all the time is next, and what runs ends. */
export async function goesOn(victim: Victim, { ids }: Life): Promise<void> {
  await victim.post("/api/mutation", {
    path: "notes:add",
    args: { text: "let go" },
  });
  await setLimit(victim, 20);
  await until(
    victim,
    ids.healthy,
    (info) => info.result?.kind === "success" && info.attempts === 1,
  );
  await until(victim, ids.running, (info) => info === null);
}

async function setLimit(victim: Victim, maxParallelism: number) {
  await callComponent(victim, "config:update", { maxParallelism });
}

async function until(
  victim: Victim,
  id: string,
  holds: (info: any) => boolean,
): Promise<void> {
  while (!holds(valueOf(await callClient(victim, "inQuery", "get", [id])))) {
    await nextLook();
  }
}

function nextLook(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

function notes(victim: Victim): string[] {
  return rows(victim, "notes", "").map(({ text }) => text);
}

export function valueOf(outcome: object): any {
  if (!("value" in outcome)) throw new Error(JSON.stringify(outcome));
  return outcome.value;
}

/** The component and the client class of a victim, called with whatever comes to mind. */
import { convexToJson, jsonToConvex, type Value } from "convex/values";
import type { Victim } from "./victim.js";

export type Outcome =
  | { value: any; wrote: boolean }
  /** The words of the refusal. */
  | { refused: string; wrote: boolean };

/** What callers write. The loop writes others, when it likes. */
const CALLERS_TABLES = ["work", "payload", "pendingStart", "config"];

/** NaN, Infinity, bigints and bytes too; what is undefined is not sent. */
function encode(args: object): unknown {
  return convexToJson(args as Value);
}

async function call(
  victim: Victim,
  path: string,
  args: object,
  componentPath: string,
): Promise<Outcome> {
  let wrote = false;
  const stop = victim.deployment.database.onCommit(({ writes }) => {
    wrote ||= writes.some(({ table }) => CALLERS_TABLES.includes(table));
  });
  const body = {
    path,
    componentPath,
    args: encode(args),
    format: "convex_encoded_json",
  };
  const answer = await victim.post("/api/function", body, victim.admin);
  stop();
  return answer.body.status === "success"
    ? { value: jsonToConvex(answer.body.value), wrote }
    : { refused: answer.body.errorMessage ?? answer.body.message, wrote };
}

/** One of its public functions, as one calls it in the dashboard. */
export function callComponent(
  victim: Victim,
  path: string,
  args: object,
  component = "workpool",
): Promise<Outcome> {
  return call(victim, path, args, component);
}

/** One of the app's functions. */
export function callApp(
  victim: Victim,
  path: string,
  args: object,
): Promise<Outcome> {
  return call(victim, path, args, "");
}

/** What can be enqueued, and stays where it is. */
export async function itemOfPausedPool(
  victim: Victim,
): Promise<Record<string, unknown>> {
  await callComponent(victim, "config:update", { maxParallelism: 0 });
  const { body } = await victim.post("/api/query", {
    path: "pool:handleOf",
    args: { name: "act" },
  });
  return {
    fnHandle: body.value,
    fnName: "act",
    fnArgs: {},
    fnType: "action",
    runAt: 0,
  };
}

export type Where = "inMutation" | "inAction" | "inQuery";

export function callClient(
  victim: Victim,
  where: Where,
  method: string,
  args: unknown[],
  pool: object = {},
): Promise<Outcome> {
  return call(victim, `pool:${where}`, { method, pool, args }, "");
}

export function rows(victim: Victim, table: string, component = "workpool") {
  const scan = victim.deployment.database.begin().scan(component, {
    table,
    index: "by_creation_time",
    range: [],
    order: "asc",
  });
  const found: any[] = [];
  for (let row = scan.next(); row !== null; row = scan.next()) {
    found.push(jsonToConvex(row.value));
  }
  return found;
}

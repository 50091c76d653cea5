/** Where a process's time goes, by the part of the program. Pure. */
import type { Profiler } from "node:inspector";

export type Profile = Profiler.Profile;

/**
 * By a frame's script. The first that fits counts. What has none (what V8 and
 * Node do themselves, JSON among it) is part of whoever called it, as is the
 * inspector, which keeps the functions' time, and makes the profile.
 */
const PARTS: [part: string, pattern: RegExp][] = [
  ["functions", /^convex-module:/],
  ["SQLite", /sqlite/],
  ["storage", /\/embedded\/src\/(storage|values)\/|\/sorted-btree\//],
  ["runtime", /\/embedded\/src\/runtime\//],
  ["scheduler", /\/embedded\/src\/scheduler\//],
  ["sync", /\/embedded\/src\/sync\/|\/node_modules\/ws\//],
  ["HTTP", /\/embedded\/src\/http\/|^node:(_?http|internal\/http)/],
];
const OF_CALLER = /^(node:inspector|$)/;
/** What measures is not measured. */
const OUTSIDE = /\/bench\/wall\//;
const REST = "Node and V8";

/** Milliseconds by part, of what was not idle. */
export function timeByPart(profile: Profile): Map<string, number> {
  const { nodes, samples = [], timeDeltas = [] } = profile;
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parts = new Map<number, string | null>();
  const assign = (id: number, caller: string | null): void => {
    const { callFrame, children = [] } = byId.get(id)!;
    const part = partOfFrame(callFrame, caller);
    parts.set(id, part);
    for (const child of children) assign(child, part);
  };
  assign(nodes[0]!.id, REST);
  const times = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    const part = parts.get(id)!;
    if (part === null) continue;
    times.set(part, (times.get(part) ?? 0) + timeDeltas[index]! / 1000);
  }
  return times;
}

/** Null: nothing was done for the deployment. */
function partOfFrame(
  { functionName, url }: Profiler.ProfileNode["callFrame"],
  caller: string | null,
): string | null {
  if (functionName === "(idle)" || OUTSIDE.test(url)) return null;
  if (functionName === "(garbage collector)") return "garbage collection";
  if (OF_CALLER.test(url)) return caller;
  return PARTS.find(([, pattern]) => pattern.test(url))?.[0] ?? REST;
}

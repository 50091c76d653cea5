/** Where a process's time goes, by the part of the program. Pure. */
import type { Profiler } from "node:inspector";

export type Profile = Profiler.Profile;

/** By what a frame's script, or V8's own name for it, says. The first that fits counts. */
const PARTS: [part: string, pattern: RegExp][] = [
  ["storage", /\/embedded\/src\/(storage|values)\//],
  ["runtime", /\/embedded\/src\/runtime\//],
  ["scheduler", /\/embedded\/src\/scheduler\//],
  ["sync", /\/embedded\/src\/sync\//],
  ["HTTP", /\/embedded\/src\/http\//],
  ["SQLite", /sqlite/],
  ["sockets", /\/node_modules\/ws\//],
  ["ordered maps", /\/node_modules\/sorted-btree\//],
  ["Node", /^node:/],
  ["functions", /^convex-module:/],
];

/** Milliseconds by part, of what was not idle. */
export function timeByPart(profile: Profile): Map<string, number> {
  const { nodes, samples = [], timeDeltas = [] } = profile;
  const partOf = new Map(
    nodes.map(({ id, callFrame }) => [id, partOfFrame(callFrame)]),
  );
  const times = new Map<string, number>();
  for (const [index, node] of samples.entries()) {
    const part = partOf.get(node)!;
    if (part === null) continue;
    times.set(part, (times.get(part) ?? 0) + timeDeltas[index]! / 1000);
  }
  return times;
}

function partOfFrame({
  functionName,
  url,
}: Profiler.ProfileNode["callFrame"]): string | null {
  if (functionName === "(idle)") return null;
  if (functionName === "(garbage collector)") return "garbage collection";
  return PARTS.find(([, pattern]) => pattern.test(url))?.[0] ?? "other";
}

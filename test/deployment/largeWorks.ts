/** Works that carry much. */
import type { Work } from "../../sim/app/convex/works.js";
import type { Simulation } from "./simulation.js";

/** A call of the component carries 16 MiB at most. */
const BYTES_PER_CALL = 8_000_000;

/** Carries so many bytes as arguments and as a result, and takes a while. */
export function carry(
  key: string,
  { argBytes = 0, resultBytes = 0, ms = 0 },
  options: Partial<Work> = {},
): Work {
  const args = { key, padding: "p".repeat(argBytes), resultBytes, ms };
  return { fnType: "action", fn: "inflate", args, ...options };
}

/** In as many calls as it takes. */
export async function enqueueLarge(
  simulation: Simulation,
  works: readonly Work[],
): Promise<void> {
  let part: Work[] = [];
  let bytes = 0;
  for (const work of works) {
    const size = JSON.stringify(work).length;
    if (bytes + size > BYTES_PER_CALL) {
      await simulation.enqueueTogether(...part);
      part = [];
      bytes = 0;
    }
    part.push(work);
    bytes += size;
  }
  if (part.length > 0) await simulation.enqueueTogether(...part);
}

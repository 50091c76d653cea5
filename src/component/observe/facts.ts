/** What is worth knowing of a pool and nothing that somebody should mend, in words. Pure. */
import type { Findings } from "./diagnose.js";
import { capital, counted } from "./words.js";

export function factsOf(found: Findings): string[] {
  const { overrides, overriddenAt, lacks, quarantined, backlog } = found;
  const facts: string[] = [];
  const since =
    overriddenAt === null ? "" : ` (${new Date(overriddenAt).toISOString()})`;
  if (found.paused) {
    const limit = overrides.maxParallelism;
    const end = limit
      ? `config.update with maxParallelism null goes back to ${limit.insteadOf}`
      : "declare a maxParallelism above 0, or set one with config.update";
    const waits =
      backlog.count > 0
        ? ` ${capital(counted(backlog, "work is", "works are"))} waiting.`
        : "";
    facts.push(
      `The pool is paused: maxParallelism is 0, ${limit ? `set at run time${since}` : "as the code declares"}. No work begins; what runs goes on to its end.${waits} To end the pause: ${end}.`,
    );
  }
  for (const name of ["maxParallelism", "logLevel"] as const) {
    const override = overrides[name];
    if (!override || (found.paused && name === "maxParallelism")) continue;
    facts.push(
      `${name} is ${override.value}, set at run time${since} in place of ${override.insteadOf}. config.update with ${name} null goes back to that.`,
    );
  }
  if (quarantined.count > 0) {
    facts.push(
      `${capital(counted(quarantined, "work waits", "works wait"))} to run apart from others, since a worker that had such works ran out of memory.`,
    );
  }
  if (lacks.length > 0) {
    facts.push(
      `This platform lacks ${lacks.join(", ")}, and the pool does without: see the requirements in the README.`,
    );
  }
  return facts;
}

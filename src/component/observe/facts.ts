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
  facts.push(...roomFacts(found), ...halvingFacts(found));
  const timedOut = found.executors.reduce(
    (sum, each) => sum + each.timedOut,
    0,
  );
  if (timedOut > 0) {
    facts.push(
      `${capital(counted({ count: timedOut, isAtLeast: false }, "handler runs", "handlers run"))} on though the attempt has timed out: the slot is taken until it ends (onTimeout is "hold", or there were no heartbeats).`,
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

/** What the class of the deployment has no room for. */
function roomFacts({
  maxParallelism,
  limitInEffect,
  transactionLimitInEffect,
}: Findings): string[] {
  if (transactionLimitInEffect === maxParallelism) return [];
  const bounds = [
    ...(limitInEffect < maxParallelism
      ? [`no more than ${limitInEffect} works`]
      : []),
    `no more than ${transactionLimitInEffect} mutations and queries`,
  ];
  return [
    `maxParallelism is ${maxParallelism}, but ${bounds.join(", and ")} run at a time: the deployment's class runs so many actions and mutations, and the pool leaves room for the app's own functions. A larger class has more.`,
  ];
}

const CALLS = { action: "actions", transaction: "mutations and queries" };

/** What the platform refused. */
function halvingFacts({ executors }: Findings): string[] {
  return (["action", "transaction"] as const).flatMap((kind) => {
    const bounds = executors.flatMap(({ halved }) => halved?.[kind] ?? []);
    if (bounds.length === 0) return [];
    const workers =
      bounds.length === 1 ? "1 worker" : `${bounds.length} workers`;
    const each = bounds.length === 1 ? "" : " each";
    return [
      `The platform refused to start some ${CALLS[kind]} (TooManyConcurrentRequests): everything that runs in this deployment together wants more of them at a time than its class allows. ${workers} of this pool run${bounds.length === 1 ? "s" : ""} ${bounds.join(", ")} at most${each}, and one more every few seconds. Nothing is lost. If it goes on, lower maxParallelism here or in another pool.`,
    ];
  });
}

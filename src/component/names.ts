/**
 * Names in options objects. An unknown name is a mistake that would otherwise
 * take effect much later, as a limit or a callback that nobody has; so it is
 * refused, with the name that was probably meant.
 */
import { refuse, show } from "./refusal.js";

/**
 * The names of an object's fields. What is none is refused, and so is what only looks like one without
 * fields: a promise that nobody awaited, a Map.
 *
 * @param what - What the value is.
 * @param wanted - What it should be.
 */
export function namesIn(
  what: string,
  value: unknown,
  wanted = "an object",
): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    refuse(what, wanted, value);
  }
  const names = Object.keys(value);
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  if (names.length === 0 && kind !== "Object") {
    throw new Error(`${what} must be ${wanted}, not a ${kind}.`);
  }
  return names;
}

/** @throws naming the first of `names` that `owner` does not have, and those it has. */
export function checkNames(
  owner: string,
  names: readonly string[],
  known: readonly string[],
  kind: "option" | "field" = "option",
): void {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const meant = suggestName(unknown, known);
  throw new Error(
    [
      `${owner} has no ${kind} ${show(unknown)}.`,
      ...(meant === undefined ? [] : [`Did you mean ${show(meant)}?`]),
      known.length === 1
        ? `Its only ${kind} is ${known[0]}.`
        : `Its ${kind}s are ${known.join(", ")}.`,
    ].join(" "),
  );
}

/**
 * What `name` was probably meant to be: one of `known` in another spelling, or
 * what other queues call by this name, which may be a field of one of `known`.
 */
export function suggestName(
  name: string,
  known: readonly string[],
): string | undefined {
  const plain = plainName(name);
  const isKnown = (ours: string) => known.includes(ours.split(".")[0]!);
  return (
    known.find((candidate) => plainName(candidate) === plain) ??
    ELSEWHERE.filter(({ theirs }) => theirs.includes(plain))
      .flatMap(({ ours }) => ours)
      .find(isKnown) ??
    nearest(plain, known)
  );
}

/** Users know "run_at" and "RunAt" to be the same word. */
function plainName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "");
}

/**
 * What other queues (BullMQ, Graphile Worker, Oban, pg-boss, River, Sidekiq,
 * Temporal, Trigger.dev) and other parts of Convex call what is ours. Of our
 * names, the first that exists where the mistake was made is suggested.
 */
const ELSEWHERE: readonly { ours: string[]; theirs: string[] }[] = [
  {
    ours: ["runAfter", "initialBackoffMs"],
    theirs: words("delay delayms after startafter schedulein countdown"),
  },
  {
    ours: ["runAt"],
    theirs: words("at date eta startat scheduledat scheduledfor"),
  },
  {
    ours: ["maxParallelism"],
    theirs: words(
      "concurrency concurrencylimit limit maxconcurrency maxparallel maxworkers parallelism workers",
    ),
  },
  {
    ours: retryField("maxAttempts"),
    theirs: words(
      "attempts maxattempts maxretries numretries retries retrylimit tries",
    ),
  },
  {
    ours: retryField("initialBackoffMs"),
    theirs: words(
      "backoff backoffms initialbackoffms initialdelay initialinterval retrydelay",
    ),
  },
  {
    ours: retryField("base"),
    theirs: words(
      "backoffcoefficient backofffactor base exponent factor multiplier",
    ),
  },
  {
    ours: retryField("maxBackoffMs"),
    theirs: words(
      "maxbackoff maxdelay maxinterval maximuminterval maxretrydelay",
    ),
  },
  {
    ours: retryField("intervalsMs"),
    theirs: words("delays intervals retrydelays"),
  },
  {
    ours: retryField("jitter"),
    theirs: words("randomize"),
  },
  {
    ours: retryField("maxElapsedMs"),
    theirs: words("maxelapsed maxelapsedtime maxretrytime retryfor"),
  },
  {
    ours: ["expireAt", "expireAfter"],
    theirs: words("deadline expiresat expiry staleat validuntil"),
  },
  {
    ours: ["expireAfter"],
    theirs: words("expiresafter maxwait maxwaitms scheduletostart"),
  },
  {
    ours: ["retry", "retryBehavior", "defaultRetryBehavior"],
    theirs: words("retrybehavior retrybehaviour retryoptions retrypolicy"),
  },
  {
    ours: ["retryActionsByDefault", "retryBehavior"],
    theirs: words("retry retryactions"),
  },
  {
    ours: ["timeoutMs"],
    theirs: words("maxduration maxdurationms timelimit timeout"),
  },
  {
    ours: ["statusTtl"],
    theirs: words("expirein keep removeoncomplete retention ttl ttlms"),
  },
  {
    ours: ["onComplete", "handler"],
    theirs: words(
      "callback oncompletion ondone onend onerror onfailed onfailure onfinished onsuccess",
    ),
  },
  {
    ours: ["onCompleteExcludeKinds"],
    theirs: words("exclude excludekinds"),
  },
  {
    ours: ["unique"],
    theirs: words(
      "deduplicate deduplication dedupe idempotencykey jobid jobkey key singletonkey uniquekey",
    ),
  },
  {
    ours: ["onDuplicate"],
    theirs: words("jobkeymode onconflict ifexists"),
  },
  { ours: ["tags"], theirs: words("labels tag") },
  { ours: ["context"], theirs: words("args data meta metadata") },
  { ours: ["name"], theirs: words("fnname functionname jobname label title") },
  { ours: ["logLevel"], theirs: words("level log verbosity") },
  { ours: ["limit"], theirs: words("batchsize count pagesize") },
  { ours: ["success"], theirs: words("completed ok succeeded") },
  { ours: ["failed"], theirs: words("error failure") },
  {
    ours: ["returnValue"],
    theirs: words("result returns returnvalidator"),
  },
  { ours: ["handler"], theirs: words("fn function run") },
];

function words(text: string): string[] {
  return text.split(" ");
}

/** Where a field of a retry behavior may be missing: in one, in an enqueue, in a pool. */
function retryField(field: string): string[] {
  const behaviors = ["retry", "retryBehavior", "defaultRetryBehavior"];
  return [field, ...behaviors.map((option) => `${option}.${field}`)];
}

function nearest(plain: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Infinity;
  for (const candidate of known) {
    // Above a third of the letters it is another word.
    const limit = Math.max(1, Math.floor(candidate.length / 3));
    if (Math.abs(candidate.length - plain.length) > limit) continue;
    const edits = editDistance(plain, plainName(candidate));
    if (edits <= limit && edits < least) {
      best = candidate;
      least = edits;
    }
  }
  return best;
}

/** Letters added, left out, replaced, or swapped with their neighbour, at least. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped =
        i > 1 && j > 1 && isSwapped ? beforeLast[j - 2]! + 1 : Infinity;
      row[j] = Math.min(replaced, swapped, last[j]! + 1, row[j - 1]! + 1);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}

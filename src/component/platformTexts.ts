/**
 * What the platform's error texts mean. Convex gives functions no codes, so the pool
 * reads texts, and reads them here alone: each with where Convex says it.
 *
 * | meaning           | what the pool does with it                                                |
 * | ----------------- | ------------------------------------------------------------------------- |
 * | `noRoom`          | the function was never started: tries again, or back to the queue         |
 * | `passing`         | the same call may well succeed later: tries again                         |
 * | `limit`           | the same call would meet it again: a few tries, then it is the outcome    |
 * | `timedOut`        | a function took too long: like `limit`; proves nothing against neighbours |
 * | `outOfMemory`     | like `limit`; of an executor: its works run apart from others             |
 * | `died`            | the platform lost a running action: proves nothing against its works      |
 * | `missingFunction` | the deployed code has no such function: the error names it                |
 *
 * A text that no row knows is treated like `limit` and logged as the event `unknownError`.
 */
export type Meaning =
  | "noRoom"
  | "passing"
  | "limit"
  | "timedOut"
  | "outOfMemory"
  | "died"
  | "missingFunction";

export type PlatformText = {
  pattern: RegExp;
  meaning: Meaning;
  /** Who says it, and when. */
  from: string;
};

export const PLATFORM_TEXTS: readonly PlatformText[] = [
  {
    pattern: /TooManyConcurrentRequests|Too many concurrent requests/i,
    meaning: "noRoom",
    from: "no permit for a function within some seconds: the function runner, isolates",
  },
  {
    pattern: /changed while this mutation was being run/i,
    meaning: "passing",
    from: "a write conflict on a table of the app's or the pool's, after all retries",
  },
  {
    pattern: /changed while it was being run/i,
    meaning: "passing",
    from: "a write conflict on a system table, the one of scheduled functions for example",
  },
  {
    pattern: /OptimisticConcurrencyControlFailure/i,
    meaning: "passing",
    from: "the code of a write conflict, where codes are shown",
  },
  {
    pattern: /Too many concurrent commits/i,
    meaning: "passing",
    from: "the queue of the committer is full",
  },
  {
    pattern: /TooManyWrites|Too many writes (?!in a single function)/i,
    meaning: "passing",
    from: "the deployment's limit of bytes written per second, or a table's",
  },
  {
    pattern: /InternalServerError|couldn't be completed/i,
    meaning: "passing",
    from: "any fault of the backend that is not the caller's",
  },
  {
    pattern: /Your request timed out/i,
    meaning: "passing",
    from: "a transaction whose system operations took too long",
  },
  {
    pattern: /temporarily unavailable/i,
    meaning: "passing",
    from: "indexes or summaries that are still being loaded",
  },
  {
    pattern:
      /in a single function execution|by this mutation \(limit|scanned too many documents/i,
    meaning: "limit",
    from: "what one transaction may read, write or schedule",
  },
  {
    pattern: /execution (unexpectedly )?timed out/i,
    meaning: "timedOut",
    from: "user code of a transaction beyond a second, an action beyond its age limit",
  },
  {
    pattern: /memory/i,
    meaning: "outOfMemory",
    from: "isolates (64 MB) and the Node runtime",
  },
  {
    pattern: /Transient error while executing/i,
    meaning: "died",
    from: "an action that was running when the backend went away or lost it",
  },
  {
    pattern: /Function handle not found/,
    meaning: "missingFunction",
    from: "a handle whose function the last deploy removed",
  },
  {
    pattern: /Could not find (public )?function for /,
    meaning: "missingFunction",
    from: "a path that names no function, or one that others may not call",
  },
  {
    pattern:
      /Couldn't find JavaScript module |Couldn't find "[^"]*" in module /,
    meaning: "missingFunction",
    from: "a path whose module, or whose export, the deployed code does not have",
  },
];

/** Whether one of the rows with these meanings knows the text. */
export function means(text: string, ...meanings: Meaning[]): boolean {
  return PLATFORM_TEXTS.some(
    (row) => meanings.includes(row.meaning) && row.pattern.test(text),
  );
}

/** Conflicts, overload and hiccups of the platform: the same call may well succeed later. */
export function isPassing(error: unknown): boolean {
  return means(messageOf(error), "noRoom", "passing");
}

/** The platform had no room to start the function. */
export function wasNotStarted(error: unknown): boolean {
  return isDirect(error) && means(messageOf(error), "noRoom");
}

/** There is no function to call, and so nothing was started. */
export function isMissingFunction(error: unknown): boolean {
  return isDirect(error) && means(messageOf(error), "missingFunction");
}

/** No row knows it: whoever has to decide guesses. */
export function isUnknown(error: unknown): boolean {
  const message = messageOf(error);
  return !PLATFORM_TEXTS.some(({ pattern }) => pattern.test(message));
}

/** It is about the call itself. What a function met inside arrives as "Uncaught …". */
function isDirect(error: unknown): boolean {
  return !messageOf(error).startsWith("Uncaught ");
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

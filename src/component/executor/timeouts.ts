/**
 * Attempts of actions that take longer than their works declare (`timeoutMs`). Nobody can
 * interrupt a handler: what is decided here is what becomes of its attempt, and of its slot.
 *
 * | an attempt is      | until                                     | its work                            | its slot |
 * | ------------------ | ----------------------------------------- | ----------------------------------- | -------- |
 * | running            | its handler ends: it has ended            | waits for the report                | taken    |
 * | running            | its time is over, and it holds: over      | has failed; is retried, or ends     | taken    |
 * | running            | its time is over, and it releases: ended  | the same                            | free     |
 * | over               | its handler ends: it has ended            | has gone on without it              | free     |
 * | over, or running   | its executor is lost: recovery closes it  | over: untouched; running: has failed | free    |
 *
 * The executor causes the first four, recovery (`loop/recovery.ts`) the last. It reports the
 * failure when the time is over, and of one that is over, later, that the handler has ended
 * (outcome "over"). In between, its position stays open, listed in `executorStats.over`, so that
 * the loop counts the slot as taken; the fence of the work has grown, so that
 * nothing the handler returns counts. That is not kept.
 *
 * An executor does not leave before handlers that are over have ended: their slots would be
 * given to others while they run. One that never ends holds its slot until the platform
 * ends the executor, at 30 minutes. Released handlers are not waited for; they keep their permit
 * of the platform until they end (`permits.ts`).
 */
import type { Attempt } from "../loop/attempt.js";
import type { AttemptResult } from "./protocol.js";

/** How long its handler may take. Undefined: nothing is declared, or its transaction is bounded by the platform. */
export function timeLimit({ fnType, timeoutMs }: Attempt): number | undefined {
  return fnType === "action" ? timeoutMs : undefined;
}

/**
 * Time is waited for in so many parts. Tests of apps run timers that lie far ahead all at once
 * (`vi.runAllTimers`): between two of them the handler gets on.
 */
const PARTS = 16;

/** What `handler` comes to within `ms`. Null: it takes longer. */
export async function within<T>(
  handler: Promise<T>,
  ms: number | undefined,
): Promise<T | null> {
  if (ms === undefined) return await handler;
  let left = ms;
  for (let parts = PARTS; parts > 0; parts--) {
    const part = Math.ceil(left / parts);
    const result = await withinPart(handler, part);
    if (result !== null) return result;
    left -= part;
  }
  return null;
}

async function withinPart<T>(
  handler: Promise<T>,
  ms: number,
): Promise<T | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeOver = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms);
  });
  try {
    return await Promise.race([handler, timeOver]);
  } finally {
    clearTimeout(timer);
  }
}

export function releases({ onTimeout }: Attempt): boolean {
  return onTimeout === "release";
}

/** Its time is over. */
export function timedOut(attempt: Attempt, startedAt: number): AttemptResult {
  const { position, workId, fence, fnName, timeoutMs } = attempt;
  return {
    position,
    workId,
    fence,
    startedAt,
    outcome: {
      kind: "failed",
      error: `${fnName} timed out: it took longer than the ${timeoutMs} ms that timeoutMs allows an attempt.`,
      retryable: true,
      timedOut: true,
      ...(releases(attempt) ? {} : { holds: true }),
    },
  };
}

/** The handler of one that is over has ended, however. */
export function overNow(attempt: Attempt, startedAt: number): AttemptResult {
  const { position, workId, fence } = attempt;
  return { position, workId, fence, startedAt, outcome: { kind: "over" } };
}

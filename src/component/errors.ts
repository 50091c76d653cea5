/**
 * Errors that say what becomes of the work whose function throws them: it ends at once, or
 * is tried again at a time that the function names.
 *
 * They travel as the data of a `ConvexError`, which survives the way from one
 * function to another where classes do not. The marker of the first is the one that
 * `@convex-dev/workpool` uses, so errors thrown with either package count.
 */
import { ConvexError } from "convex/values";
import { refuse } from "./refusal.js";

const MARKER = "__convexWorkpoolNonRetryable";

type NonRetryableErrorData = { readonly [MARKER]: true; message: string };

/**
 * Throw this from a function the pool runs when trying again cannot help: the
 * work fails with this message without further attempts.
 *
 * ```ts
 * if (response.status === 410) {
 *   throw new NonRetryableError(`${url} is gone`);
 * }
 * ```
 */
export class NonRetryableError extends ConvexError<NonRetryableErrorData> {
  constructor(message: string, options?: ErrorOptions) {
    super({ [MARKER]: true, message });
    this.name = new.target.name;
    if (options?.cause !== undefined) {
      this.cause = options.cause;
    }
  }
}

/** Whether `error` is a {@link NonRetryableError}, also after it crossed a function boundary. */
export function isNonRetryableError(error: unknown): boolean {
  if (error instanceof ConvexError) {
    return (
      hasMarker(error.data) && typeof markedMessage(error.data) === "string"
    );
  }
  return hasMarker(error);
}

/** The message a {@link NonRetryableError} was made with; undefined for any other error. */
export function getNonRetryableErrorMessage(
  error: unknown,
): string | undefined {
  return markedMessage(error instanceof ConvexError ? error.data : error);
}

const POSTPONES = "__convexWorkpoolPostpones";

/** Longer than any limit's window; `Snooze` is no calendar. */
const MAX_POSTPONE_MS = 365 * 24 * 60 * 60 * 1000;
const MAX_LIMIT_LENGTH = 200;

type PostponementData = {
  readonly [POSTPONES]: "rateLimited" | "snoozed";
  ms: number;
  limit?: string;
};

/** That a work is to be tried again later, free of charge. */
export type Postponement = {
  ms: number;
  /** In words, for logs and for the error of a work that is put off too often. */
  why: string;
};

/**
 * Throw this from a function the pool runs when a limit does not let it do its work now:
 * the work waits for `retryAfterMs` and is tried again. That counts as no attempt, and the
 * work keeps its age. What a mutation has written is rolled back.
 *
 * ```ts
 * const response = await fetch(url);
 * if (response.status === 429) {
 *   throw new RateLimitedError({ retryAfterMs: 30_000, limit: "mail provider" });
 * }
 * ```
 *
 * A work may be put off 1,000 times by this and by {@link Snooze} together; then it fails.
 */
export class RateLimitedError extends ConvexError<PostponementData> {
  /**
   * @param options.retryAfterMs - Milliseconds until the next try: a number from 0 to a year.
   * @param options.limit - What the limit is called, for logs: at most 200 characters.
   * @throws when one of them is out of its range.
   */
  constructor({
    retryAfterMs,
    limit,
  }: {
    retryAfterMs: number;
    limit?: string;
  }) {
    checkPostponeMs("retryAfterMs", retryAfterMs);
    if (limit !== undefined && !isLimit(limit)) {
      refuse("limit", `a string of 1 to ${MAX_LIMIT_LENGTH} characters`, limit);
    }
    super({
      [POSTPONES]: "rateLimited",
      ms: retryAfterMs,
      ...(limit === undefined ? {} : { limit }),
    });
    this.name = new.target.name;
  }
}

/**
 * Throw this from a function the pool runs when there is nothing to do yet: the work waits
 * for `ms` and is tried again. That counts as no attempt, and the work keeps its age. What a
 * mutation has written is rolled back.
 *
 * ```ts
 * if (video.state === "encoding") throw new Snooze({ ms: 60_000 });
 * ```
 *
 * A work may be put off 1,000 times by this and by {@link RateLimitedError} together; then it fails.
 */
export class Snooze extends ConvexError<PostponementData> {
  /**
   * @param options.ms - Milliseconds until the next try: a number from 0 to a year.
   * @throws when it is out of its range.
   */
  constructor({ ms }: { ms: number }) {
    checkPostponeMs("ms", ms);
    super({ [POSTPONES]: "snoozed", ms });
    this.name = new.target.name;
  }
}

/**
 * What a {@link RateLimitedError} or a {@link Snooze} asks for, also after it crossed a
 * function boundary. Null: it is another error.
 */
export function postponementOf(error: unknown): Postponement | null {
  const data: unknown = error instanceof ConvexError ? error.data : null;
  if (typeof data !== "object" || data === null) return null;
  const { [POSTPONES]: kind, ms, limit } = data as Record<string, unknown>;
  // Anybody can throw such data: what the constructors refuse is an error like any other.
  if (!isPostponeMs(ms)) return null;
  if (kind === "snoozed") return { ms, why: "snoozed" };
  if (kind !== "rateLimited") return null;
  const named = isLimit(limit) ? ` (${limit})` : "";
  return { ms, why: `rate-limited${named}` };
}

/** Of a pool's own errors, the data says nothing that the outcome does not. */
export function isOwnData(data: unknown): boolean {
  return (
    hasMarker(data) ||
    (typeof data === "object" && data !== null && POSTPONES in data)
  );
}

function isPostponeMs(ms: unknown): ms is number {
  return typeof ms === "number" && ms >= 0 && ms <= MAX_POSTPONE_MS;
}

function checkPostponeMs(option: string, ms: unknown): void {
  if (!isPostponeMs(ms)) {
    refuse(
      option,
      `a number of milliseconds from 0 to ${MAX_POSTPONE_MS} (a year)`,
      ms,
    );
  }
}

function isLimit(limit: unknown): limit is string {
  return (
    typeof limit === "string" &&
    limit.length > 0 &&
    limit.length <= MAX_LIMIT_LENGTH
  );
}

function markedMessage(data: unknown): string | undefined {
  if (!hasMarker(data)) {
    return undefined;
  }
  const { message } = data as { message?: unknown };
  return typeof message === "string" ? message : undefined;
}

function hasMarker(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    (value as Record<string, unknown>)[MARKER] === true
  );
}

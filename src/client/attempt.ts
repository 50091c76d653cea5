/**
 * An attempt from inside its handler: who it is, how it hears that it is over, how it says that it
 * goes on.
 *
 * | state    | what happens in it                                            | how it ends                                  |
 * | -------- | ------------------------------------------------------------- | -------------------------------------------- |
 * | attached | every 10 s without another call, one that listens             | a call says that it is over, or its deadline passes: aborted |
 * | aborted  | the signal is aborted; `heartbeat` throws; no further calls    | the handler ends                             |
 * | detached | no timer is left, and no call is under way                    |                                              |
 *
 * A beat is a call, and an answer as good as one that listens. While one is under way, or within a
 * second of the last, beats are joined: the next call says what the last of them said.
 */
import { type AttemptState, type Beat, checkBeat } from "../component/beat.js";
import { checkNames } from "../component/names.js";
import { refuse } from "../component/refusal.js";
import { SECOND } from "../component/shared.js";
import { decodeWire, isTestWire, type Wire } from "../component/work/wire.js";
import type { ActionCtx } from "./context.js";
import type { ThisWork } from "./late.js";
import { namesOf } from "./optionNames.js";
import type { WorkId, WorkpoolComponent } from "./types.js";

/** How long an attempt does without news of itself. */
const LISTEN_EVERY_MS = 10 * SECOND;

/** Between two calls of `heartbeat`. */
const BEAT_EVERY_MS = SECOND;

/** A timer that is set for longer fires at once. */
const MOST_TIMER_MS = 2 ** 31 - 1;

/** One attempt at a work, for its handler. */
export type Attempt = {
  /** Of the work. */
  readonly id: WorkId;
  /** What the attempt was given as {@link thisWork}: for {@link Workpool.continueWith}. */
  readonly work: ThisWork;
  /** The how many-th attempt it is, from 1 on. */
  readonly number: number;
  /** When it should have ended, by the work's `timeoutMs`, in milliseconds since 1970. Null: it declared none. */
  readonly deadline: number | null;
  /**
   * Is aborted when the attempt is over before its handler is: its work was canceled, its deadline has
   * passed, or another attempt took its place. Pass it to `fetch`, which then rejects with an
   * `AbortError`. Its `reason` is an {@link AttemptAbortedError}.
   */
  readonly signal: AbortSignal;
  /**
   * Says that the attempt goes on, and how far it is; {@link Workpool.get} shows it. It resolves
   * at once, and makes one call a second at most: what is said in between goes with the next.
   *
   * @param beat.progress - How much is done: from 0 to 1. Default: as before.
   * @param beat.step - What it is at: 1 to 1,000 characters. Default: as before.
   * @throws an {@link AttemptAbortedError} once `signal` is aborted.
   */
  heartbeat(beat?: Beat): Promise<void>;
};

/** Why an attempt was aborted. */
export type AbortKind = Exclude<AttemptState, "goesOn"> | "timedOut";

const REASONS: Record<AbortKind, string> = {
  canceled: "The work was canceled.",
  timedOut: "The attempt has taken as long as the work's timeoutMs allows.",
  superseded:
    "The work goes on without this attempt, or has ended: what it does changes nothing any more.",
};

/** Why the `signal` of an {@link Attempt} was aborted, and what `heartbeat` throws from then on. */
export class AttemptAbortedError extends Error {
  /** "canceled", "timedOut" or "superseded". */
  readonly kind: AbortKind;

  constructor(kind: AbortKind) {
    super(REASONS[kind]);
    this.name = "AttemptAbortedError";
    this.kind = kind;
  }
}

/** As {@link Workpool.attach}, for those who keep no pool. */
export async function attachTo<Result>(
  component: WorkpoolComponent,
  ctx: ActionCtx,
  work: ThisWork,
  body: (attempt: Attempt) => Promise<Result> | Result,
): Promise<Result> {
  if (typeof ctx?.runAction !== "function") {
    throw new Error(
      "attach needs the ctx of an action as its first argument. In a mutation or a query, attemptOf(work) tells which attempt it is.",
    );
  }
  if (typeof body !== "function") {
    refuse("The third argument of attach", "a function (attempt) => …", body);
  }
  const attached = new Attached(component, ctx, work);
  try {
    return await body(attached.attempt);
  } finally {
    await attached.detach();
  }
}

type Timer = ReturnType<typeof setTimeout>;

class Attached {
  readonly attempt: Attempt;
  readonly #abort = new AbortController();
  readonly #attemptOf: { id: string; fence: number };
  readonly #isTest: boolean;
  #detached = false;
  /** Why it was aborted. */
  #reason: AttemptAbortedError | null = null;
  #deadlineTimer: Timer | undefined;
  /** To listen, or to say what was joined: whichever comes first. */
  #nextCall: Timer | undefined;
  #underWay: Promise<void> | null = null;
  /** What was said and not sent. */
  #unsent: Beat | null = null;
  #lastBeatAt = -Infinity;

  constructor(
    private readonly component: WorkpoolComponent,
    private readonly ctx: ActionCtx,
    work: ThisWork,
  ) {
    const wire: Wire = decodeWire(work);
    const { id, number, fence, deadline } = wire;
    this.#attemptOf = { id, fence };
    this.#isTest = isTestWire(wire);
    this.attempt = {
      id: id as WorkId,
      work,
      number,
      deadline,
      signal: this.#abort.signal,
      heartbeat: (beat = {}) => this.#heartbeat(beat),
    };
    if (deadline !== null) {
      this.#deadlineTimer = setTimeout(
        () => this.#end("timedOut"),
        Math.min(MOST_TIMER_MS, Math.max(0, deadline - Date.now())),
      );
    }
    this.#plan();
  }

  /** No timer outlives the handler, and no call: in Node they would meet the next request. */
  async detach(): Promise<void> {
    this.#detached = true;
    this.#clearTimers();
    await this.#underWay;
  }

  async #heartbeat(beat: Beat): Promise<void> {
    checkNames("heartbeat", namesOf("heartbeat", beat), ["progress", "step"]);
    checkBeat(beat);
    if (this.#reason) throw this.#reason;
    if (this.#detached) return;
    this.#unsent = { ...this.#unsent, ...defined(beat) };
    this.#plan();
  }

  /** Says when the next call is made: at once, if it may be. */
  #plan(): void {
    clearTimeout(this.#nextCall);
    if (this.#isOver || this.#underWay || this.#isTest) return;
    if (this.#unsent === null) {
      this.#nextCall = setTimeout(() => this.#call(), LISTEN_EVERY_MS);
      return;
    }
    const wait = this.#lastBeatAt + BEAT_EVERY_MS - Date.now();
    if (wait <= 0) this.#call();
    else this.#nextCall = setTimeout(() => this.#call(), wait);
  }

  #call(): void {
    this.#underWay = this.#ask()
      .then((state) => {
        if (state !== "goesOn") this.#end(state);
      })
      // The next call may get through.
      .catch(() => {})
      .finally(() => {
        this.#underWay = null;
        this.#plan();
      });
  }

  async #ask(): Promise<AttemptState> {
    const beat = this.#unsent;
    const { attempts } = this.component;
    if (beat === null) {
      return await this.ctx.runQuery(attempts.listen, this.#attemptOf);
    }
    this.#unsent = null;
    this.#lastBeatAt = Date.now();
    return await this.ctx.runMutation(attempts.beat, {
      ...this.#attemptOf,
      ...beat,
    });
  }

  get #isOver(): boolean {
    return this.#detached || this.#reason !== null;
  }

  #end(kind: AbortKind): void {
    if (this.#isOver) return;
    this.#clearTimers();
    this.#reason = new AttemptAbortedError(kind);
    const { signal } = this.#abort;
    // The signals of Convex's runtime are not sure to have a reason of their own.
    Object.defineProperty(signal, "reason", { value: this.#reason });
    this.#abort.abort(this.#reason);
  }

  #clearTimers(): void {
    clearTimeout(this.#deadlineTimer);
    clearTimeout(this.#nextCall);
  }
}

/** Without what is given as undefined, which is as not given. */
function defined({ progress, step }: Beat): Beat {
  return {
    ...(progress === undefined ? {} : { progress }),
    ...(step === undefined ? {} : { step }),
  };
}

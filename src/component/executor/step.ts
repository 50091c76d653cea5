/** What an executor does next. Pure. */
import { MINUTE, SECOND, SEGMENT_MS } from "../shared.js";
import { COMPANY_MS, LONG_MS, lowWater, type MeanMs } from "./ahead.js";
import type { ReportReply } from "./protocol.js";

/** Results in one report: their callbacks share one second of CPU. */
export const MAX_RESULTS = 100;

/** Asking for more: as often as the loop looks at first, then less and less often. */
const FIRST_ASK_MS = SEGMENT_MS;
const MAX_ASK_MS = SECOND / 2;
/** One that was opened for long works asks also when its slots are taken: nobody else may take these works. */
const LONG_ASK_MS = 5 * SECOND;

export type Situation = Pick<
  ReportReply,
  "width" | "listen" | "listener" | "closed" | "pollMs"
> & {
  /** It was opened for long works. */
  long: boolean;
  running: number;
  buffered: number;
  /** Results not reported yet, and how long the oldest has been waiting. */
  unreported: number;
  oldestUnreportedMs: number;
  /** Somebody waits for one of them: a callback, which may enqueue what comes next. */
  awaited: boolean;
  mean: MeanMs;
  /** Whether it has asked to close. */
  closing: boolean;
  /**
   * Why the first work in the buffer may not begin, though it had a slot: the class has no
   * room for another of its type (`permits.ts`), its position needs a report first, or there is
   * no memory for its result. Null: it may.
   */
  blocked: "class" | "position" | "memory" | null;
  /** Milliseconds until more of what the platform refused may be in flight. */
  untilRiseMs: number;
  /** There may be no memory for the arguments of further works. */
  memoryFull: boolean;
  /** Milliseconds since a work last came, began or ended. */
  standsStillMs: number;
  /** It has accepted work for as long as it may. */
  outOfTime: boolean;
  sinceReportMs: number;
  /** Reports in a row that brought nothing and took nothing. */
  fruitless: number;
};

export type Step =
  | { kind: "report"; closing: boolean }
  /** What is buffered waits behind works that take long: somebody else may have a slot for it. */
  | { kind: "giveBack"; closing: boolean }
  /** Until an attempt ends, at most this long. */
  | { kind: "wait"; ms: number; closing: boolean };

/** Nothing came, began or ended here for this long: what is buffered counts as stuck. */
const STUCK_MS = LONG_MS;

/**
 * It reports at least so often, whatever its works take: one that is quiet for long
 * counts as lost, and one that sleeps may have got a wider lease.
 */
const HEARTBEAT_MS = 4 * MINUTE;

export function decideStep(now: Situation): Step {
  const step = decideReport(now);
  if (step.kind !== "wait") return step;
  const { closing } = step;
  // What the class has no room for would find none elsewhere, and come back.
  const isBehind =
    now.buffered > 0 &&
    now.running > 0 &&
    now.blocked !== "position" &&
    now.blocked !== "class";
  const untilStuck = isBehind ? STUCK_MS - now.standsStillMs : Infinity;
  if (untilStuck <= 0) return { kind: "giveBack", closing };
  const untilHeartbeat = HEARTBEAT_MS - now.sinceReportMs;
  if (untilHeartbeat <= 0) return { kind: "report", closing };
  const untilRise = now.blocked === "class" ? now.untilRiseMs : Infinity;
  const ms = Math.min(
    step.ms ?? Infinity,
    untilStuck,
    untilHeartbeat,
    untilRise,
  );
  return { kind: "wait", ms, closing };
}

/** Whether there is anything to report, or to ask for; and until when there is not. */
function decideReport(
  now: Situation,
):
  | { kind: "report"; closing: boolean }
  | { kind: "wait"; ms?: number; closing: boolean } {
  const held = now.running + now.buffered;
  const mayStay = now.listen && now.width > 0;
  const free = now.buffered === 0 && now.running < now.width;
  const closing =
    now.closing ||
    now.outOfTime ||
    // Nothing more will come, and nobody should count on this one's free slots.
    (!now.closed && !mayStay && (held === 0 || free));

  if (now.pollMs !== null && !closing) {
    const ms = now.pollMs - now.sinceReportMs;
    return ms <= 0 || now.awaited || now.unreported >= MAX_RESULTS
      ? { kind: "report", closing }
      : { kind: "wait", ms, closing };
  }
  if (now.unreported > 0 && (held === 0 || isUrgent(now))) {
    return { kind: "report", closing };
  }
  if (now.blocked === "position" && now.running < now.width) {
    return { kind: "report", closing };
  }
  // Whoever asks to close does so at once; one that was refused asks again.
  if (closing && !now.closing && !now.closed)
    return { kind: "report", closing };
  if (now.unreported > 0) {
    return { kind: "wait", ms: COMPANY_MS - now.oldestUnreportedMs, closing };
  }
  const expectsMore =
    held === 0 ||
    (!now.closed &&
      !now.memoryFull &&
      (closing || (mayStay && (now.long || runsDry(now, free)))));
  if (!expectsMore) return { kind: "wait", closing };
  const isFull = now.long && held > 0 && !closing && !runsDry(now, free);
  const ask = isFull
    ? LONG_ASK_MS
    : Math.min(FIRST_ASK_MS * 2 ** now.fruitless, MAX_ASK_MS);
  return now.sinceReportMs >= ask
    ? { kind: "report", closing }
    : { kind: "wait", ms: ask - now.sinceReportMs, closing };
}

/**
 * Results wait for company only as long as no slot stays empty for it. Where
 * slots were free before, nothing is waiting for one.
 */
function isUrgent(now: Situation): boolean {
  const wasFull = now.running + now.unreported >= now.width;
  return (
    now.unreported >= MAX_RESULTS ||
    now.oldestUnreportedMs >= COMPANY_MS ||
    now.blocked === "memory" ||
    (now.listen &&
      !now.closed &&
      wasFull &&
      (now.mean === null || now.buffered < lowWater(now.width, now.mean)))
  );
}

function runsDry(now: Situation, free: boolean): boolean {
  return free || now.buffered < lowWater(now.width, now.mean);
}

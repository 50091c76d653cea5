/**
 * What an executor logs: about itself, never about how attempts ended, which the
 * report that brings a result says. One run lasts half an hour and Convex keeps 256
 * lines of it, so what may come again and again is bounded.
 */
import { formatError } from "../work/errorText.js";
import {
  createLogger,
  LineBudget,
  type Logger,
  type LogLevel,
  recordIncident,
} from "../logging.js";
import { messageOf } from "../platformTexts.js";
import type { Attempt } from "../loop/attempt.js";
import { SECOND } from "../shared.js";
import { type CallKind, RISE_MS } from "./permits.js";

/** An unknown text often comes with many works, and sometimes with an id in it. */
const MAX_UNKNOWN_TEXTS = 20;

const CALLS = { action: "actions", transaction: "mutations and queries" };

export class ExecutorLog {
  private readonly budget = new LineBudget();
  private readonly unknownTexts = new Set<string>();
  private console: Logger;

  /** @param level until the first report tells which one is in force. */
  constructor(level?: LogLevel) {
    this.console = createLogger(level, this.budget);
  }

  setLevel(level: LogLevel): void {
    this.console = createLogger(level, this.budget);
  }

  /** A report did not get through, or has to be smaller. */
  problem(severity: "warn" | "error", message: string): void {
    this.console.each(severity, `[executor] ${message}`);
  }

  /** Each text once. */
  unknownError(
    { workId, fnName }: Pick<Attempt, "workId" | "fnName">,
    error: unknown,
  ): void {
    const text = messageOf(error);
    if (this.unknownTexts.has(text)) return;
    if (this.unknownTexts.size >= MAX_UNKNOWN_TEXTS) return;
    this.unknownTexts.add(text);
    recordIncident(
      this.console,
      "warn",
      "unknownError",
      `The platform ended the call of ${fnName} with an error that the pool does not know; it is tried a few times: ${formatError(error).trim()}`,
      { workId, fnName },
    );
  }

  /** The platform refused a call of this kind: `most` run at a time from now on. */
  halved(kind: CallKind, most: number): void {
    if (!this.budget.spend("problems")) return;
    recordIncident(
      this.console,
      "warn",
      "halved",
      `The platform refused to start ${CALLS[kind]} (TooManyConcurrentRequests). This executor runs ${most} of them at a time from now on, and one more after every ${RISE_MS / SECOND} s without a refusal`,
      { kind, most },
    );
  }

  /** As many run as the lease and the class allow. */
  halvingOver(kind: CallKind): void {
    if (!this.budget.spend("problems")) return;
    recordIncident(
      this.console,
      "warn",
      "halvingOver",
      `The platform does not refuse to start ${CALLS[kind]} any more. This executor runs as many as before`,
      { kind },
    );
  }

  end(): void {
    this.console.end();
  }
}

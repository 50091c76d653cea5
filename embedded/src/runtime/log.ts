/** The log lines of one top-level call, those of its nested calls included. */
import type { RuntimeContext } from "./context.js";
import type { LogLevel } from "./callHost.js";
import type { FunctionAddress, LogLine } from "./types.js";

/** Convex keeps this many per call. */
const MAX_LINES = 256;

interface Entry {
  address: FunctionAddress;
  line: LogLine;
}

export class CallLog {
  private readonly entries: Entry[] = [];

  /** @param live lines are passed on as they come, not only when the call is over. */
  constructor(
    private readonly context: RuntimeContext,
    private readonly live = true,
  ) {}

  get lines(): LogLine[] {
    return this.entries.map((entry) => entry.line);
  }

  add(address: FunctionAddress, level: LogLevel, message: string): void {
    this.push({
      address,
      line: { level, message, timestamp: this.context.clock.now() },
    });
  }

  /**
   * For one attempt of a transaction: its lines appear here only if it is the
   * attempt that counts.
   */
  attempt(): CallLog {
    return new CallLog(this.context, false);
  }

  keep(attempt: CallLog): void {
    for (const entry of attempt.entries) this.push(entry);
  }

  private push(entry: Entry): void {
    if (this.entries.length >= MAX_LINES) return;
    const overflow = this.entries.length === MAX_LINES - 1;
    const kept: Entry = overflow
      ? {
          address: entry.address,
          line: {
            level: "ERROR",
            message: `Log overflow (maximum ${MAX_LINES}). Remaining log lines omitted.`,
            timestamp: entry.line.timestamp,
          },
        }
      : entry;
    this.entries.push(kept);
    if (this.live) this.context.onLog(kept.address, kept.line);
  }
}

/** The latest log lines and results of functions, for `convex logs` and `convex dev`. */
import type {
  FunctionAddress,
  FunctionInfo,
  LogLine,
} from "../runtime/types.js";
import type { Clock } from "../seams.js";

const MAX_ENTRIES = 1000;
const LONG_POLL_MS = 60_000;

interface Entry {
  cursor: number;
  json: unknown;
}

export interface LogPage {
  entries: unknown[];
  newCursor: number;
}

const UDF_TYPES = {
  query: "Query",
  mutation: "Mutation",
  action: "Action",
  httpAction: "HttpAction",
} as const;

function displayName({ component, name }: FunctionAddress): string {
  return component === "" ? name : `${component}/${name}`;
}

export class FunctionLog {
  readonly #clock: Clock;
  readonly #describe: (address: FunctionAddress) => FunctionInfo | null;
  readonly #report: (line: string) => void;
  #entries: Entry[] = [];
  #last = 0;
  #closed = false;
  readonly #waiting = new Set<() => void>();

  constructor(
    clock: Clock,
    describe: (address: FunctionAddress) => FunctionInfo | null,
    report: (line: string) => void,
  ) {
    this.#clock = clock;
    this.#describe = describe;
    this.#report = report;
  }

  line(address: FunctionAddress, line: LogLine): void {
    if (this.#closed) return;
    this.#report(`[${line.level}] ${displayName(address)} ${line.message}`);
    this.#add({
      kind: "Progress",
      ...this.#source(address),
      timestamp: line.timestamp / 1000,
      logLines: [
        {
          messages: [line.message],
          level: line.level,
          timestamp: Math.floor(line.timestamp),
          isTruncated: false,
        },
      ],
    });
  }

  /** `error` is null when all went well. Its log lines were told as they came. */
  completion(
    address: FunctionAddress,
    startedAt: number,
    error: string | null,
  ): void {
    if (this.#closed) return;
    const now = this.#clock.now();
    if (error !== null) {
      this.#report(`[ERROR] ${displayName(address)} ${error.trimEnd()}`);
    }
    this.#add({
      kind: "Completion",
      ...this.#source(address),
      timestamp: now / 1000,
      executionTimestamp: startedAt / 1000,
      executionTime: Math.max(0, now - startedAt) / 1000,
      logLines: [],
      success: null,
      error: error?.trimEnd() ?? null,
      cachedResult: false,
    });
  }

  #source(address: FunctionAddress) {
    const type = this.#describe(address)?.type ?? "httpAction";
    return {
      udfType: UDF_TYPES[type],
      componentPath: address.component === "" ? null : address.component,
      identifier: address.name,
      requestId: "",
      executionId: "",
    };
  }

  #add(json: unknown): void {
    // Grows over restarts too, so that a client's cursor stays good.
    this.#last = Math.max(this.#last + 0.001, this.#clock.now());
    this.#entries.push({ cursor: this.#last, json });
    if (this.#entries.length > MAX_ENTRIES) this.#entries.shift();
    for (const wake of [...this.#waiting]) wake();
  }

  /**
   * Everything after `cursor`; when there is nothing, waits for something for a
   * while. Who begins (with 0) is told at once where the log stands: the CLI shows
   * only what comes after its first answer.
   */
  async since(cursor: number, disconnected: AbortSignal): Promise<LogPage> {
    if (cursor === 0) {
      this.#last = Math.max(this.#last, this.#clock.now());
    } else if (this.#last <= cursor && !this.#closed) {
      await this.#next(disconnected);
    }
    const entries = this.#entries.filter((entry) => entry.cursor > cursor);
    return {
      entries: entries.map(({ json }) => json),
      newCursor: cursor === 0 ? this.#last : Math.max(cursor, this.#last),
    };
  }

  #next(disconnected: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel();
        this.#waiting.delete(done);
        disconnected.removeEventListener("abort", done);
        resolve();
      };
      const timer = this.#clock.schedule(LONG_POLL_MS, done);
      this.#waiting.add(done);
      disconnected.addEventListener("abort", done);
    });
  }

  /** Answers everyone who waits. What functions do after the end is nobody's business. */
  close(): void {
    this.#closed = true;
    for (const wake of [...this.#waiting]) wake();
  }
}

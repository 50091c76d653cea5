/** Counts what a transaction uses and refuses more than its limits allow. */
import { displayBytes } from "../values/index.js";
import { LimitError } from "./types.js";
import type { Limits, Usage } from "./types.js";

/** Convex's, per transaction. */
export const DEFAULT_LIMITS: Limits = {
  documentsRead: 32_000,
  bytesRead: 16 * 1024 * 1024,
  databaseQueries: 4_096,
  documentsWritten: 16_000,
  bytesWritten: 16 * 1024 * 1024,
  functionsScheduled: 1_000,
  scheduledFunctionArgsBytes: 16 * 1024 * 1024,
};

const READ_LESS =
  "Consider using smaller limits in your queries, paginating your queries, or using indexed queries with a selective index range expressions.";

export class UsageMeter {
  readonly used: Usage = {
    documentsRead: 0,
    bytesRead: 0,
    databaseQueries: 0,
    documentsWritten: 0,
    bytesWritten: 0,
    functionsScheduled: 0,
    scheduledFunctionArgsBytes: 0,
  };
  private readonly ceilings: Limits[];

  constructor(limits: Partial<Limits> | undefined) {
    this.ceilings = [{ ...DEFAULT_LIMITS, ...defined(limits) }];
  }

  /** A nested call gets a budget on top of what is used, within its caller's limits. */
  enter(budget: Partial<Limits> | undefined): void {
    const outer = this.limits;
    const inner = { ...outer };
    for (const [name, allowed] of Object.entries(defined(budget))) {
      const key = name as keyof Limits;
      inner[key] = Math.min(outer[key], this.used[key] + allowed);
    }
    this.ceilings.push(inner);
  }

  leave(): void {
    this.ceilings.pop();
  }

  remaining(): Usage {
    const limits = this.limits;
    const rest = { ...limits };
    for (const name of Object.keys(rest) as (keyof Limits)[]) {
      rest[name] = Math.max(0, limits[name] - this.used[name]);
    }
    return rest;
  }

  query(): void {
    const limit = this.limits.databaseQueries;
    if (++this.used.databaseQueries > limit) {
      throw new LimitError(
        `Too many reads in a single function execution (limit: ${limit}). ${READ_LESS}`,
      );
    }
  }

  read(bytes: number): void {
    const { used, limits } = this;
    used.documentsRead += 1;
    used.bytesRead += bytes;
    if (used.documentsRead > limits.documentsRead) {
      throw new LimitError(
        `Too many documents read in a single function execution (limit: ${limits.documentsRead}). ${READ_LESS}`,
      );
    }
    if (used.bytesRead > limits.bytesRead) {
      throw new LimitError(
        `Too many bytes read in a single function execution (limit: ${limits.bytesRead} bytes). ${READ_LESS}`,
      );
    }
  }

  write(bytes: number): void {
    const { used, limits } = this;
    used.documentsWritten += 1;
    used.bytesWritten += bytes;
    if (used.documentsWritten > limits.documentsWritten) {
      throw new LimitError(
        `Too many writes in a single function execution (limit: ${limits.documentsWritten})`,
      );
    }
    if (used.bytesWritten > limits.bytesWritten) {
      throw new LimitError(
        `Too many bytes written in a single function execution (limit: ${displayBytes(limits.bytesWritten)})`,
      );
    }
  }

  schedule(argumentBytes: number): void {
    const { used, limits } = this;
    if (used.functionsScheduled + 1 > limits.functionsScheduled) {
      throw new LimitError(
        `Too many functions scheduled by this mutation (limit: ${limits.functionsScheduled})`,
      );
    }
    if (
      used.scheduledFunctionArgsBytes + argumentBytes >
      limits.scheduledFunctionArgsBytes
    ) {
      throw new LimitError(
        `Too large total size of the arguments of scheduled functions from this mutation (limit: ${limits.scheduledFunctionArgsBytes} bytes)`,
      );
    }
    used.functionsScheduled += 1;
    used.scheduledFunctionArgsBytes += argumentBytes;
  }

  private get limits(): Limits {
    return this.ceilings.at(-1)!;
  }
}

function defined(limits: Partial<Limits> | undefined): Partial<Limits> {
  return Object.fromEntries(
    Object.entries(limits ?? {}).filter(([, value]) => value !== undefined),
  );
}

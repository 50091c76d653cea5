/**
 * No transaction of the component comes near the platform's limits by itself: what
 * users' functions read and write in it does not count.
 */
import type { ObservedRun } from "../../embedded/src/runtime/types.js";
import type { Violate } from "./check.js";

const MAX_BYTES = 12 << 20;

interface Bytes {
  read: number;
  written: number;
}

interface Root {
  name: string;
  users: Bytes;
  /** How many functions of users are nested in each other. */
  depth: number;
}

type Transaction = NonNullable<ObservedRun["transaction"]>;

export class BytesCheck {
  private readonly roots = new WeakMap<Transaction, Root>();

  constructor(private readonly violate: Violate) {}

  /** A query or mutation begins; what it returns is to be called at its end. */
  begin(
    component: string,
    name: string,
    transaction: Transaction,
  ): (() => void) | null {
    const root = this.roots.get(transaction);
    if (root === undefined) {
      // Of a user's own transaction, whatever is nested in it is the user's.
      const depth = component === "" ? 1 : 0;
      const users = { read: 0, written: 0 };
      const made = { name: `${component}|${name}`, users, depth };
      this.roots.set(transaction, made);
      return depth > 0 ? null : () => this.judge(made, transaction);
    }
    if (component !== "" || root.depth > 0) return null;
    root.depth += 1;
    const before = bytesOf(transaction);
    return () => {
      root.depth -= 1;
      const after = bytesOf(transaction);
      root.users.read += after.read - before.read;
      root.users.written += after.written - before.written;
    };
  }

  private judge({ name, users }: Root, transaction: Transaction): void {
    const { read, written } = bytesOf(transaction);
    const own = { read: read - users.read, written: written - users.written };
    if (own.read <= MAX_BYTES && own.written <= MAX_BYTES) return;
    this.violate(
      "transaction that is too large",
      `${name} read ${own.read} bytes and wrote ${own.written}`,
    );
  }
}

function bytesOf(transaction: Transaction): Bytes {
  const { used } = transaction.usage();
  return { read: used.bytesRead, written: used.bytesWritten };
}

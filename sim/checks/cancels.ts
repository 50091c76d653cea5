/** A pending work ends in the transaction that cancels it. */
import type { Ledger } from "../ledger.js";
import type { Mirror } from "../mirror.js";
import type { CommitCheck, Violate } from "./check.js";

export function checkCancels(
  ledger: Ledger,
  mirror: Mirror,
  violate: Violate,
): CommitCheck {
  return ({ writes }) => {
    for (const { namespace, table, after } of writes) {
      if (namespace !== "" || table !== "cancels" || after === null) continue;
      const { key, was } = after.value as { key: string; was: string };
      const ids = ledger.enqueued.get(key) ?? [];
      if (was === "pending" && ids.some((id) => mirror.work(id))) {
        violate("canceled while pending, and goes on", key);
      }
    }
  };
}

/** No scheduled function of the component fails, but executors that a drawn fault killed. */
import { POOLS } from "../jobs.js";
import type { CommitCheck, Violate } from "./check.js";

const EXECUTOR = /^executor\/run/;

export function checkScheduled(
  violate: Violate,
  isDrawn: (scheduledId: string) => boolean,
): CommitCheck {
  return ({ writes }) => {
    for (const { namespace, table, id, after } of writes) {
      if (table !== "_scheduled_functions" || !POOLS.includes(namespace)) {
        continue;
      }
      const { name, state } = (after?.value ?? {}) as Record<string, any>;
      if (state?.kind !== "failed") continue;
      if (!EXECUTOR.test(name)) {
        violate("scheduled mutation that failed", `${name}: ${state.error}`);
      } else if (!isDrawn(id)) {
        violate("executor that died by itself", state.error);
      }
    }
  };
}

/** Many clients that enqueue at the same moment. */
import { difference } from "../used.js";
import { jobs } from "../workload.js";
import type { Scenario } from "./scenario.js";

const PARALLELISM = 100;
/** Long enough for a pool to notice that there is nothing to do. */
const QUIET_MS = 120_000;

export const storms: Scenario[] = [
  {
    name: "storm-idle",
    what: "200 concurrent enqueue mutations against an idle pool",
    parallelism: PARALLELISM,
    async measure(run) {
      const count = run.scaled(200);
      const [first, ...storm] = jobs(count + 1, { ms: 100 });
      // The pool has worked before: what it writes once for ever is not measured.
      await run.enqueue([first!]);
      await run.ended(1);
      await run.sleep(QUIET_MS);
      run.startOver();
      const before = run.world.totals();
      await run.enqueueAll(storm, 1, count);
      await run.ended(count);
      const measured = await run.settled(count, before);
      run.checkOnce(storm);
      return measured;
    },
  },
  {
    name: "storm-busy",
    what: "200 concurrent enqueue mutations against a busy pool",
    parallelism: PARALLELISM,
    async measure(run) {
      const count = run.scaled(200);
      const all = jobs(count + 3000, { ms: 100 });
      const storm = all.slice(0, count);
      const backlog = all.slice(count);
      const before = run.world.totals();
      await run.enqueueAll(backlog, 500, 1);
      await run.sleep(1000);
      const calm = run.world.totals();
      await run.enqueueAll(storm, 1, count);
      const { conflicts } = difference(run.world.totals(), calm);
      await run.ended(all.length);
      const measured = await run.settled(all.length, before);
      run.checkOnce(all);
      return {
        ...measured,
        extra: {
          // Of everything that happened until the last client had its answer.
          stormConflictsPerJob: conflicts / count,
        },
      };
    },
  },
];

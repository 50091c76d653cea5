/** Jobs that fail and are tried again, and callbacks that are told of the end. */
import { jobs } from "../workload.js";
import type { Scenario } from "./scenario.js";

const BATCH = 500;

function callbacks(
  name: string,
  what: string,
  callback: "recorded" | "counted",
): Scenario {
  return {
    name,
    what,
    parallelism: 100,
    async measure(run) {
      const before = run.world.totals();
      const all = jobs(run.scaled(5000));
      await run.enqueueAll(all, BATCH, 1, { callback });
      await run.ended(all.length);
      await run.drained();
      const measured = await run.settled(all.length, before);
      run.checkOnce(all);
      const { world } = run;
      if (callback === "recorded") {
        const outcomes = world.documents("outcomes");
        const works = new Set(outcomes.map(({ workId }) => workId));
        const good = outcomes.filter(({ kind }) => kind === "success");
        run.check("callbacks", outcomes.length, all.length);
        run.check("works with a callback", works.size, all.length);
        run.check("callbacks told of a success", good.length, all.length);
      } else {
        const [totals] = world.documents("totals");
        run.check("callbacks counted", Number(totals?.outcomes), all.length);
      }
      return measured;
    },
  };
}

export const outcomes: Scenario[] = [
  {
    name: "retries",
    what: "2,000 × 100 ms at 100; 30 % of attempts fail",
    parallelism: 100,
    async measure(run) {
      const before = run.world.totals();
      const all = jobs(run.scaled(2000), { ms: 100, failures: 0.3 });
      await run.enqueueAll(all, BATCH, 1, { retry: true });
      await run.ended(all.length);
      await run.drained();
      const measured = await run.settled(all.length, before);
      const never = all.filter(
        ({ id }) => !run.meter.jobs.get(id)?.ends.length,
      );
      run.check("jobs that never ran", never.length, 0);
      return {
        ...measured,
        extra: { attemptsPerJob: run.meter.ended / all.length },
      };
    },
  },
  callbacks(
    "callbacks",
    "5,000 no-op actions, onComplete writes a document of its own",
    "recorded",
  ),
  callbacks(
    "callbacks-hot",
    "5,000 no-op actions, onComplete of all of them writes one document",
    "counted",
  ),
];

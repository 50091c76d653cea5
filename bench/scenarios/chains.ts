/** Works that are enqueued by the `onComplete` of the one before: what a step of a workflow costs. */
import { elapsed, mean, percentiles } from "../percentiles.js";
import { LIMITED_POOLS } from "../pools.js";
import type { Run } from "../run.js";
import { jobs } from "../workload.js";
import type { Scenario } from "./scenario.js";

const LINKS = 20;
const LINK_MS = 10;
/** Chains begin at random moments within this time, so that they do not keep step. */
const BEGIN_MS = 500;

/** From the start of each handler to that of the next one in its chain: the work of 10 ms is part of it. */
function hops(run: Run, width: number, links: number): number[] {
  const start = (id: number) => run.meter.jobs.get(id)?.starts[0];
  return Array.from({ length: width * links }, (_, id) => id)
    .filter((id) => id % links > 0)
    .flatMap((id) => {
      const [from, to] = [start(id - 1), start(id)];
      return from === undefined || to === undefined ? [] : [elapsed(from, to)];
    });
}

function chains(width: number): Scenario {
  return {
    name: `chains-${width}`,
    what: `${width} × ${LINKS} works of ${LINK_MS} ms, each enqueued by the onComplete of the one before, at 100`,
    parallelism: 100,
    pools: LIMITED_POOLS,
    async measure(run) {
      const { world } = run;
      const links = run.scaled(LINKS);
      const all = jobs(width * links);
      await run.warmUp();
      const before = world.totals();
      const chain = async (first: number) => {
        await run.sleep(BEGIN_MS * world.random.next());
        const link = { id: first, ms: LINK_MS, more: links - 1 };
        await run.feedBy("chains:start", link, links);
      };
      await Promise.all(
        Array.from({ length: width }, (_, index) => chain(index * links)),
      );
      await run.ended(all.length);
      const measured = await run.settled(all.length, before);
      run.checkOnce(all);
      const times = hops(run, width, links).sort((a, b) => a - b);
      return {
        ...measured,
        extra: {
          hopP50Ms: percentiles(times)?.p50 ?? null,
          hopMeanMs: mean(times),
        },
      };
    },
  };
}

export const chainScenarios: Scenario[] = [1, 5, 20, 50].map(chains);

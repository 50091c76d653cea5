/** What is said of a work when it is enqueued: a time-out, tags, a key that makes it unique, by when it has to begin. */
import type { EnqueueOptions, Measured, Run } from "../run.js";
import { jobs, type Job } from "../workload.js";
import type { Used } from "../used.js";
import { batches, BATCH, beyond, costsMore, OURS_ALONE } from "./beyond.js";
import type { Scenario } from "./scenario.js";

const MINUTE_MS = 60_000;
/** Clients that enqueue one job after the other, all at once. */
const CLIENTS = 50;

function declaring(options: {
  name: string;
  what: string;
  count: number;
  ms?: number;
  declared: EnqueueOptions["declared"];
}): Scenario {
  const { name, what, count, ms, declared } = options;
  return beyond({
    name,
    what,
    parallelism: 100,
    pools: OURS_ALONE,
    load: (run, isWith) =>
      batches(
        run,
        jobs(run.scaled(count), ms === undefined ? {} : { ms }),
        isWith ? { declared } : {},
      ),
  });
}

const keyOf = ({ id }: Job) => `document ${id}`;

/** Rows of keys are looked at from ten minutes after their work was due. */
const KEY_IS_OVER_MS = 11 * MINUTE_MS;

const ENQUEUES = "|pools:enqueue";
const SWEEPS = "workpool|work/uniqueSweep:sweep";

/** What is read and written by whoever neither enqueues nor sweeps rows of keys. */
function documentsOfReports({ byFunction }: Used): number {
  return Object.entries(byFunction)
    .filter(([name]) => name !== ENQUEUES && name !== SWEEPS)
    .reduce(
      (sum, [, used]) => sum + used.documentsRead + used.documentsWritten,
      0,
    );
}

/** @param clients - Of several, some lose races, which is not what a key costs. */
function unique(name: string, what: string, clients: number): Scenario {
  return beyond({
    name,
    what,
    parallelism: 100,
    pools: OURS_ALONE,
    async load(run, isWith) {
      const { world } = run;
      const count = run.scaled(5000);
      const all = jobs(2 * count);
      const enqueue = (some: Job[], by: number) =>
        run.enqueueAll(some, 1, by, isWith ? { keys: some.map(keyOf) } : {});
      await enqueue(all.slice(0, count), CLIENTS);
      await run.ended(count);
      await run.sleep(KEY_IS_OVER_MS);
      const before = world.totals();
      await enqueue(all.slice(count), clients);
      await run.ended(all.length);
      const measured = await run.settled(count, before);
      run.checkOnce(all);
      if (isWith) {
        run.check("rows of keys", world.count("unique", "workpool"), count);
      }
      return measured;
    },
    extra: (measured, without) => ({
      readMoreAtEnqueue: costsMore(
        measured,
        without,
        ({ byFunction }) => byFunction[ENQUEUES]!.documentsRead,
      ),
      documentsMoreInReports: costsMore(measured, without, documentsOfReports),
    }),
  });
}

/** So many works are enqueued before their duplicates: none of them ends that soon. */
const AHEAD = 200;

/** Each job twice, or once. */
async function withDuplicates(run: Run, isWith: boolean): Promise<Measured> {
  const all = jobs(run.scaled(2500), { ms: 500 });
  const sent: Job[] = [];
  for (let from = 0; from < all.length; from += AHEAD) {
    const some = all.slice(from, from + AHEAD);
    sent.push(...some, ...(isWith ? some : []));
  }
  const before = run.world.totals();
  const ids = await run.enqueueAll(sent, 1, CLIENTS, { keys: sent.map(keyOf) });
  run.check("works", new Set(ids).size, all.length);
  await run.ended(all.length);
  const measured = await run.settled(all.length, before);
  run.checkOnce(all);
  return measured;
}

export const declarations: Scenario[] = [
  declaring({
    name: "timeouts",
    what: "throughput with timeoutMs",
    count: 5000,
    ms: 100,
    declared: { timeoutMs: 10 * MINUTE_MS },
  }),
  declaring({
    name: "timeouts-burst",
    what: "burst with timeoutMs",
    count: 5000,
    declared: { timeoutMs: 10 * MINUTE_MS },
  }),
  unique(
    "unique",
    "5,000 no-op actions at 100, enqueued one by one, each with a key, behind as many whose keys are over",
    1,
  ),
  unique("unique-burst", `the same by ${CLIENTS} clients at once`, CLIENTS),
  beyond({
    name: "unique-duplicates",
    what: "unique 500 ms jobs, each enqueued twice before it ends, against once",
    parallelism: 100,
    pools: OURS_ALONE,
    load: withDuplicates,
  }),
  ...[1, 5].map((count) =>
    declaring({
      name: `tags-${count}`,
      what: `burst with ${count === 1 ? "a tag" : `${count} tags`} for each job`,
      count: 5000,
      declared: {
        tags: Array.from({ length: count }, (_, tag) => `tag ${tag}`),
      },
    }),
  ),
  {
    name: "expiring",
    what: "10,000 works in a pool that is paused, none of which begins in time",
    parallelism: 0,
    pools: OURS_ALONE,
    async measure(run) {
      const all = jobs(run.scaled(10_000));
      const declared = { expireAfter: MINUTE_MS };
      const before = run.world.totals();
      await run.enqueueAll(all, BATCH, 1, { declared });
      await run.drained();
      const measured = await run.settled(all.length, before);
      const expired = run.world
        .documents("complete", "workpool")
        .filter(({ reason }) => reason === "expired");
      run.check("works that expired", expired.length, all.length);
      run.check("works that began", run.meter.started, 0);
      return measured;
    },
  },
];

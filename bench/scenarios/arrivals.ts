/** Jobs that arrive one by one in a pool that has been used before, whatever it makes of them. */
import type { Randomness } from "../../embedded/src/seams.js";
import { jobs, type MakeWorkload } from "../workload.js";
import type { Scenario } from "./scenario.js";

/** Arrivals that know nothing of each other, in milliseconds: exponential times between them. */
export function poisson(
  random: Randomness,
  count: number,
  perSecond: number,
): number[] {
  let time = 0;
  return Array.from({ length: count }, () => {
    time += (-Math.log(1 - random.next()) * 1000) / perSecond;
    return time;
  });
}

function evenly(count: number, perSecond: number): number[] {
  return Array.from({ length: count }, (_, i) => (i * 1000) / perSecond);
}

function arrivals(options: {
  name: string;
  what: string;
  perSecond: number;
  seconds: number;
  parallelism: number;
  rhythm: "poisson" | "even";
  slowly?: boolean;
  idleMinutes?: number;
  duration?(random: Randomness): number;
}): Scenario {
  const { name, what, parallelism, perSecond, seconds, rhythm } = options;
  const workload: MakeWorkload = (scaled, random) => {
    const count = scaled(perSecond * seconds);
    return {
      jobs: jobs(count).map(({ id }) => ({
        id,
        ms: options.duration?.(random) ?? 100,
      })),
      job: "action",
      feed: {
        kind: "arrivals",
        times:
          rhythm === "poisson"
            ? poisson(random, count, perSecond)
            : evenly(count, perSecond),
        slowly: options.slowly ?? false,
      },
    };
  };
  return {
    name,
    what,
    parallelism,
    workload,
    async measure(run) {
      await run.warmUp();
      const load = workload(run.scaled, run.world.random);
      const count = load.jobs.length;
      const before = run.world.totals();
      await run.feed(load);
      await run.ended(count);
      const measured = await run.settled(count, before, options.idleMinutes);
      run.checkOnce(load.jobs);
      return measured;
    },
  };
}

/** Log-normal with this mean; a tail as that of calls to other people's services. */
function logNormal(random: Randomness, mean: number): number {
  const sigma = 1;
  const normal =
    Math.sqrt(-2 * Math.log(1 - random.next())) *
    Math.cos(2 * Math.PI * random.next());
  return Math.round(mean * Math.exp(sigma * normal - sigma ** 2 / 2));
}

const atRate = (perSecond: number): Scenario =>
  arrivals({
    name: `arrivals-${perSecond}`,
    what: `100 ms jobs arriving one by one, ${perSecond} per second`,
    perSecond,
    seconds: 60,
    parallelism: 20,
    rhythm: "poisson",
  });

export const arrivalScenarios: Scenario[] = [
  arrivals({
    name: "sustained",
    what: "50 per second for a minute, log-normal durations of 500 ms, at 50",
    perSecond: 50,
    seconds: 60,
    parallelism: 50,
    rhythm: "even",
    duration: (random) => logNormal(random, 500),
  }),
  atRate(5),
  atRate(20),
  atRate(50),
  arrivals({
    name: "arrivals-slow",
    what: "100 ms jobs, 50 per second, from mutations that take 200 ms",
    perSecond: 50,
    seconds: 60,
    parallelism: 20,
    rhythm: "poisson",
    slowly: true,
  }),
  arrivals({
    name: "trickle",
    what: "one 100 ms job per second for ten minutes, then an hour of silence",
    perSecond: 1,
    seconds: 600,
    parallelism: 10,
    rhythm: "even",
    idleMinutes: 60,
  }),
];

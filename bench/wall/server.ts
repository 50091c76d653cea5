/**
 * The embedded deployment as a process of its own, which also says how much
 * processor time it took, and where: forked by `deployment.ts`.
 */
import { Session } from "node:inspector/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { startDeployment, Stats } from "../../embedded/src/index.js";
import type { Profile } from "./profile.js";

/** Fine enough for functions that take a millisecond, and not felt. */
const SAMPLING_MICROSECONDS = 500;

export interface Start {
  /** Of the checkout whose deployment this is. */
  root: string;
  /** Null: in memory. */
  dataDir: string | null;
}

export type Question = "cpu" | "stats" | "startProfile" | "endProfile" | "stop";

export interface Answers {
  /** Milliseconds of processor time since the start, of all threads. */
  cpu: number;
  /** What every function has done so far. */
  stats: Stats;
  startProfile: null;
  endProfile: Profile;
  stop: null;
}

const { root, dataDir } = JSON.parse(process.argv[2]!) as Start;
const entry = path.join(root, "embedded/src/index.ts");
const module = (await import(pathToFileURL(entry).href)) as {
  startDeployment: typeof startDeployment;
};
const deployment = await module.startDeployment(
  dataDir === null ? {} : { dataDir },
);
const inspector = new Session();

const answer: { [Q in Question]: () => Answers[Q] | Promise<Answers[Q]> } = {
  cpu() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  stats: () => deployment.stats(),
  async startProfile() {
    inspector.connect();
    await inspector.post("Profiler.enable");
    await inspector.post("Profiler.setSamplingInterval", {
      interval: SAMPLING_MICROSECONDS,
    });
    await inspector.post("Profiler.start");
    return null;
  },
  async endProfile() {
    const { profile } = await inspector.post("Profiler.stop");
    inspector.disconnect();
    return profile;
  },
  async stop() {
    await deployment.close();
    return null;
  },
};

process.on("message", (question: Question) => {
  void Promise.resolve(answer[question]()).then((said) => process.send!(said));
});
const { url, siteUrl, adminKey } = deployment;
process.send!({ url, siteUrl, adminKey });

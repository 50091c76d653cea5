/**
 * Relay, the example, with one pool or the other: its own functions, receivers
 * and sender, on deployments of its own. All that differs is the package which
 * its functions import as "convex-workpool".
 */
import { randomBytes } from "node:crypto";
import { cp } from "node:fs/promises";
import path from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { internal } from "../../example/convex/_generated/api.js";
import type { Sample } from "../../example/github/samples.js";
import { Sender, type SentEvent } from "../../example/github/sender.js";
import { roster } from "../../example/receivers/roster.js";
import { startReceivers } from "../../example/receivers/server.js";
import { compare, expectedAt } from "../../example/scripts/check.js";
import { allDeliveries, allSettled } from "../../example/scripts/observe.js";
import { percentiles } from "../percentiles.js";
import { convex, push } from "../push.js";
import { startDeployment } from "./deployment.js";
import {
  type Component,
  installPool,
  linkPackage,
  REPOSITORY,
} from "./packages.js";
import { timeByPart } from "./profile.js";
import { type Spent, startMeter } from "./spent.js";

/** As many connections as GitHub's stand-in of the demo opens. */
const CONNECTIONS = 16;

/** Relay pushed to a deployment that was stopped then: every run starts from a copy. */
export interface Template {
  dataDir: string;
  githubSecret: string;
}

export async function prepareRelay(
  directory: string,
  component: Component,
): Promise<Template> {
  const copy = path.join(directory, "app");
  const app = path.join(copy, "example");
  for (const part of ["example/convex", "example/package.json"]) {
    const from = path.join(REPOSITORY, part);
    await cp(from, path.join(copy, part), { recursive: true });
  }
  const base = "tsconfig.base.json";
  await cp(path.join(REPOSITORY, base), path.join(copy, base));
  const modules = path.join(copy, "node_modules");
  await linkPackage(modules, "convex");
  await installPool(modules, component, "convex-workpool");
  const dataDir = path.join(directory, "template");
  const githubSecret = newSecret();
  const deployment = await startDeployment({ root: REPOSITORY, dataDir });
  try {
    const variable = ["GITHUB_WEBHOOK_SECRET", githubSecret];
    await convex(deployment, app, ["env", "set", ...variable]);
    await push(deployment, app);
  } finally {
    await deployment.stop();
  }
  return { dataDir, githubSecret };
}

export interface RelayRun {
  deliveries: number;
  /** From the first webhook until the last delivery has an outcome. */
  seconds: number;
  /** From the acceptance of a delivery to its outcome, where the receiver is healthy. */
  outcomeMs: { p50: number; p95: number };
  /** Until some seconds after the end. */
  spent: Spent;
  /** Milliseconds by part of the program; only of a profiled run. */
  time: Map<string, number> | null;
}

export interface RelayOptions {
  template: Template;
  /** A directory that does not exist yet. */
  dataDir: string;
  samples: readonly Sample[];
  /** A pool may go on calling functions for a while after its last job: so long, that counts too. */
  tailMs: number;
  /** Goes into the webhooks' ids: receivers decide by them how they answer. */
  seed: string;
  profiled: boolean;
}

/** Throws unless receivers and Relay agree on everything. */
export async function runRelay({
  template,
  dataDir,
  samples,
  tailMs,
  seed,
  profiled,
}: RelayOptions): Promise<RelayRun> {
  await cp(template.dataDir, dataDir, { recursive: true });
  const deployment = await startDeployment({ root: REPOSITORY, dataDir });
  const secrets = new Map(roster.map(({ name }) => [name, newSecret()]));
  const receivers = await startReceivers(secrets);
  try {
    const admin = new ConvexHttpClient(deployment.url, { logger: false });
    // Official, if not in the published types: what `convex run` does.
    (admin as any).setAdminAuth(deployment.adminKey);
    await admin.mutation(internal.endpoints.register as any, {
      endpoints: roster.map(({ name, events, timeoutMs }) => ({
        name,
        events,
        timeoutMs,
        url: `${receivers.url}/${name}`,
        secret: secrets.get(name)!,
      })),
    });
    const meter = await startMeter(deployment);
    if (profiled) await deployment.ask("startProfile");
    const start = performance.now();
    const sender = new Sender(
      `${deployment.siteUrl}/github`,
      template.githubSecret,
    );
    const sent = await sendAll(sender, samples, seed);
    const deliveries = roster
      .map((receiver) => expectedAt(receiver, sent).length)
      .reduce((a, b) => a + b, 0);
    await allSettled(deployment.url, deliveries, new AbortController().signal);
    const seconds = (performance.now() - start) / 1000;
    const profile = profiled ? await deployment.ask("endProfile") : null;
    await new Promise((resolve) => setTimeout(resolve, tailMs));
    const spent = await meter();
    const recorded = await allDeliveries(deployment.url);
    for (const receiver of roster) {
      const { name } = receiver;
      const { problems } = compare(
        receiver,
        sent,
        recorded,
        receivers.seen(name),
      );
      if (problems.length > 0) throw new Error(`${name}: ${problems[0]}`);
    }
    return {
      deliveries,
      seconds,
      outcomeMs: outcomeTimes(recorded),
      spent,
      time: profile && timeByPart(profile),
    };
  } finally {
    await receivers.close();
    await deployment.stop();
  }
}

/** The same ids whichever pool it is, so that the same deliveries fail. */
async function sendAll(
  sender: Sender,
  samples: readonly Sample[],
  seed: string,
): Promise<SentEvent[]> {
  const queue = samples.entries();
  const connection = async () => {
    for (const [index, { name, payload }] of queue) {
      const guid = `${seed}-${index}`;
      const response = await sender.post({
        guid,
        name,
        body: JSON.stringify(payload),
      });
      if (response.status !== 202) {
        throw new Error(`the ingress answered ${response.status} to ${guid}`);
      }
      await response.body?.cancel();
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
  return samples.map(({ name }, index) => ({ guid: `${seed}-${index}`, name }));
}

function outcomeTimes(
  recorded: Awaited<ReturnType<typeof allDeliveries>>,
): RelayRun["outcomeMs"] {
  const healthy = roster.find(({ behavior }) => behavior === "healthy")!;
  const times = (
    recorded as ((typeof recorded)[number] & {
      _creationTime: number;
      settledAt?: number;
    })[]
  )
    .filter(({ endpoint }) => endpoint === healthy.name)
    .map(({ _creationTime, settledAt }) => settledAt! - _creationTime)
    .sort((a, b) => a - b);
  return percentiles(times)!;
}

function newSecret(): string {
  return randomBytes(24).toString("hex");
}

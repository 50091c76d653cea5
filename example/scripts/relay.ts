/**
 * Everything that the demo consists of, started in order and stopped in
 * reverse: receivers, deployment, functions, sender, page.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Sender } from "../github/sender.js";
import { startSenderServer } from "../github/server.js";
import { roster } from "../receivers/roster.js";
import { startReceivers, type Receivers } from "../receivers/server.js";
import { startDeployment, type Deployment } from "./deployment.js";
import { servePage } from "./page.js";
import { repositoryDir } from "./paths.js";
import { callFunction, pushFunctions, setEnv } from "./push.js";
import { run } from "./run.js";

export interface Relay {
  deployment: Deployment;
  receivers: Receivers;
  sender: Sender;
  /** Where the page is; absent if it was not asked for. */
  pageUrl: string | undefined;
  /** How long Relay waits for the answer of each receiver; as the roster says, if it is left out. */
  registerEndpoints(timeoutMs?: number): Promise<void>;
  /** Ends the deployment's process and starts it again where it was. */
  restartDeployment(): Promise<void>;
  stop(): Promise<void>;
}

export interface RelayOptions {
  page: boolean;
  /** Gives up between two steps, and stops what was started. */
  signal?: AbortSignal;
  onStep?: (step: string) => void;
  onLog?: (line: string) => void;
}

export async function startRelay({
  page,
  signal,
  onStep,
  onLog,
}: RelayOptions): Promise<Relay> {
  const step = (what: string) => {
    signal?.throwIfAborted();
    onStep?.(what);
  };
  const cleanups: Array<() => Promise<unknown>> = [];
  const stop = async () => {
    for (let cleanup = cleanups.pop(); cleanup; cleanup = cleanups.pop()) {
      await cleanup();
    }
  };
  try {
    step("building convex-workpool");
    await run("npm", ["run", "build"], {
      title: "npm run build",
      cwd: repositoryDir,
    });

    const dir = await mkdtemp(path.join(tmpdir(), "relay-"));
    cleanups.push(() => rm(dir, { recursive: true, force: true }));

    step("starting receivers");
    const secrets = new Map(roster.map(({ name }) => [name, newSecret()]));
    const receivers = await startReceivers(secrets);
    cleanups.push(receivers.close);

    step("starting the embedded deployment");
    const dataDir = path.join(dir, "data");
    let deployment = await startDeployment({ dataDir, onLog });
    cleanups.push(() => deployment.stop());

    step("pushing functions with the Convex CLI");
    const githubSecret = newSecret();
    await setEnv(deployment, "GITHUB_WEBHOOK_SECRET", githubSecret);
    await pushFunctions(deployment);
    const registerEndpoints = (timeoutMs?: number) =>
      callFunction(deployment, "endpoints:register", {
        endpoints: roster.map((receiver) => ({
          name: receiver.name,
          events: receiver.events,
          timeoutMs: timeoutMs ?? receiver.timeoutMs,
          url: `${receivers.url}/${receiver.name}`,
          secret: secrets.get(receiver.name)!,
        })),
      });
    await registerEndpoints();

    const sender = new Sender(`${deployment.siteUrl}/github`, githubSecret);
    let pageUrl: string | undefined;
    if (page) {
      step("building the page");
      const senderServer = await startSenderServer(sender);
      cleanups.push(senderServer.close);
      const served = await servePage({
        convexUrl: deployment.url,
        senderUrl: senderServer.url,
        outDir: path.join(dir, "page"),
      });
      cleanups.push(served.close);
      pageUrl = served.url;
    }

    signal?.throwIfAborted();
    return {
      get deployment() {
        return deployment;
      },
      receivers,
      sender,
      pageUrl,
      registerEndpoints,
      async restartDeployment() {
        const ports = {
          port: Number(new URL(deployment.url).port),
          sitePort: Number(new URL(deployment.siteUrl).port),
        };
        await deployment.kill();
        deployment = await startDeployment({ dataDir, ports, onLog });
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function newSecret(): string {
  return randomBytes(24).toString("hex");
}

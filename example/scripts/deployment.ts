/** The embedded deployment as a process of its own. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { repositoryDir } from "./paths.js";

export interface Ready {
  url: string;
  siteUrl: string;
  adminKey: string;
}

export interface Deployment extends Ready {
  /** Resolves when the process has ended, for whatever reason. */
  exited: Promise<string>;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

export interface DeploymentOptions {
  dataDir: string;
  /** Any free ports if left out. */
  ports?: { port: number; sitePort: number };
  /** Called with each line that it, or a function, logs. */
  onLog?: (line: string) => void;
}

export async function startDeployment({
  dataDir,
  ports = { port: 0, sitePort: 0 },
  onLog,
}: DeploymentOptions): Promise<Deployment> {
  const child = spawn(
    process.execPath,
    [
      "--import",
      "tsx",
      "embedded/src/main.ts",
      `--port=${ports.port}`,
      `--site-port=${ports.sitePort}`,
      `--data=${dataDir}`,
      ...(onLog ? ["--verbose"] : []),
    ],
    // A group of its own: Ctrl-C is for us, and we stop it in our own time.
    {
      cwd: repositoryDir,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const lastLines: string[] = [];
  createInterface(child.stderr).on("line", (line) => {
    onLog?.(line);
    lastLines.push(line);
    if (lastLines.length > 20) {
      lastLines.shift();
    }
  });
  const exited = once(child, "close").then(
    ([code, signal]) =>
      `the deployment ended with ${signal ?? code}\n${lastLines.join("\n")}`,
  );
  const ready = await Promise.race([
    firstLine(child),
    exited.then((how) => Promise.reject(new Error(how))),
  ]);
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    await exited;
  };
  return {
    ...(JSON.parse(ready) as Ready),
    exited,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
  };
}

async function firstLine(child: ChildProcess): Promise<string> {
  const [line] = (await once(createInterface(child.stdout!), "line")) as [
    string,
  ];
  return line;
}

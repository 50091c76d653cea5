/** The deployment as a process of its own, as `npm run embedded` starts it. */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { pathToFileURL, fileURLToPath } from "node:url";
import type { Target } from "./convex.js";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const TSX = pathToFileURL(
  createRequire(import.meta.url).resolve("tsx"),
).toString();

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunningProcess {
  pid: number;
  /** What it prints once it is ready; rejects when it ends before. */
  ready: Promise<Target & { siteUrl: string }>;
  exit: Promise<Exit>;
  kill(signal: NodeJS.Signals): void;
}

export function startProcess(args: string[]): RunningProcess {
  const child = spawn(process.execPath, ["--import", TSX, MAIN, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  const exit = new Promise<Exit>((resolve) =>
    child.on("close", (code, signal) =>
      resolve({ code, signal, stdout, stderr }),
    ),
  );
  const ready = new Promise<Target & { siteUrl: string }>((resolve, reject) => {
    child.stdout.on("data", (data: Buffer) => {
      stdout += data.toString();
      const end = stdout.indexOf("\n");
      if (end !== -1) resolve(JSON.parse(stdout.slice(0, end)));
    });
    void exit.then(() => reject(new Error(`It ended:\n${stderr}`)));
  });
  // Whoever waits for the exit only does not care.
  ready.catch(() => {});
  return {
    pid: child.pid!,
    ready,
    exit,
    kill: (signal) => child.kill(signal),
  };
}

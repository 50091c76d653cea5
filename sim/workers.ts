/** Runs histories on all processors at once. Each is independent of where and when it runs. */
import { fork, type ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { App } from "../embedded/src/runtime/types.js";
import type { HistoryResult } from "./history.js";
import type { Task } from "./profiles.js";

const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));

/** `onResult` is told of each as it ends. */
export async function runHistories(
  versions: [App, App],
  tasks: readonly Task[],
  onResult: (task: Task, result: HistoryResult) => void,
): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), "workpool-sim-"));
  const file = path.join(directory, "versions.json");
  await writeFile(file, JSON.stringify(versions));
  let next = 0;
  const work = async () => {
    const child = fork(WORKER, [file], {
      // Most of what is made here is garbage at once.
      execArgv: ["--import", "tsx", "--max-semi-space-size=64"],
    });
    try {
      while (next < tasks.length) {
        const task = tasks[next++]!;
        onResult(task, await ask(child, task));
      }
    } finally {
      next = tasks.length;
      child.kill();
    }
  };
  try {
    const workers = Math.min(availableParallelism(), tasks.length);
    await Promise.all(Array.from({ length: workers }, work));
  } finally {
    await rm(directory, { recursive: true });
  }
}

function ask(child: ChildProcess, task: Task): Promise<HistoryResult> {
  return new Promise((resolve, reject) => {
    const answered = (result: HistoryResult) => {
      child.off("exit", died);
      resolve(result);
    };
    const died = (code: number | null, signal: string | null) => {
      child.off("message", answered);
      reject(
        new Error(
          `The process of ${task.profile} seed ${task.seed} ended with ${signal ?? code}`,
        ),
      );
    };
    child.once("message", answered);
    child.once("exit", died);
    child.send(task);
  });
}

/** Measures on all processors at once. Each measurement is independent of where and when it is made. */
import { fork, type ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { App } from "../embedded/src/runtime/types.js";
import type { Result } from "./result.js";
import type { Answer, Task } from "./worker.js";

const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));

/** Resolves with the results in the order of the tasks; `onResult` is told of each, in the same order. */
export async function measureAll(
  app: App,
  tasks: Task[],
  onResult: (result: Result, wallMs: number) => void,
  most = availableParallelism(),
): Promise<Result[]> {
  const directory = await mkdtemp(path.join(tmpdir(), "workpool-bench-"));
  const appFile = path.join(directory, "app.json");
  await writeFile(appFile, JSON.stringify(app));
  const answers: ({ result: Result; wallMs: number } | undefined)[] = [];
  let next = 0;
  let told = 0;
  const tell = () => {
    for (;;) {
      const answer = answers[told];
      if (answer === undefined) return;
      told++;
      onResult(answer.result, answer.wallMs);
    }
  };
  const work = async () => {
    const child = fork(WORKER, [appFile], {
      execArgv: [
        ...["--import", "tsx"],
        "--max-old-space-size=6144",
        // Most of what is made here is garbage at once.
        "--max-semi-space-size=64",
      ],
    });
    try {
      while (next < tasks.length) {
        const index = next++;
        const task = tasks[index]!;
        const answer = await ask(child, task);
        if ("failure" in answer) {
          throw new Error(
            `${task.scenario} with ${task.pool}: ${answer.failure}`,
          );
        }
        answers[index] = answer;
        tell();
      }
    } finally {
      next = tasks.length;
      child.kill();
    }
  };
  try {
    const workers = Math.min(most, tasks.length);
    await Promise.all(Array.from({ length: workers }, work));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  return answers.map((answer) => answer!.result);
}

function ask(child: ChildProcess, task: Task): Promise<Answer> {
  return new Promise((resolve) => {
    const answered = (answer: Answer) => {
      child.off("message", answered);
      child.off("exit", died);
      resolve(answer);
    };
    const died = (code: number | null, signal: string | null) =>
      answered({
        failure: `the measuring process ended with ${signal ?? code}`,
      });
    child.on("message", answered);
    child.on("exit", died);
    child.send(task);
  });
}

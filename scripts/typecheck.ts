/** Checks the types of everything, as many projects at a time as there are processors. */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");

const PROJECTS = [
  ".",
  "scripts",
  "embedded",
  "example",
  "example/convex",
  "sim",
  "test/deployment",
  "test/crash",
  "test/hostile",
  "bench",
  "bench/app/convex",
  "bench/wall/app/convex",
];

const waiting = [...PROJECTS];
async function work(): Promise<void> {
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    if (!(await check(next))) process.exitCode = 1;
  }
}
await Promise.all(Array.from({ length: availableParallelism() }, work));

function check(project: string): Promise<boolean> {
  const child = spawn(process.execPath, [tsc, "--noEmit", "-p", project], {
    cwd: root,
    stdio: "inherit",
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code === 0));
  });
}

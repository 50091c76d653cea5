import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { afterEach, expect, test } from "vitest";
import { repositoryDir } from "../scripts/paths.js";

let demo: ChildProcess | undefined;

afterEach(() => {
  demo?.kill("SIGKILL");
});

/** Starts `npm run demo`, and waits until the page is there. */
async function startDemo() {
  const child = spawn(
    process.execPath,
    ["--import", "tsx", "example/scripts/demo.ts"],
    { cwd: repositoryDir, stdio: ["ignore", "pipe", "pipe"] },
  );
  demo = child;
  const errors = text(child.stderr);
  const exit = once(child, "close") as Promise<[number | null]>;
  for await (const line of createInterface(child.stdout)) {
    const pageUrl = /Relay is at (\S+)/.exec(line)?.[1];
    if (pageUrl) {
      return {
        pageUrl,
        children: await childrenOf(child.pid!),
        stop: () => child.kill("SIGINT"),
        exitCode: async () => (await exit)[0],
        errors,
      };
    }
  }
  throw new Error(`the demo ended early: ${await errors}`);
}

async function childrenOf(pid: number): Promise<number[]> {
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  return list.trim().split(" ").map(Number);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("Ctrl-C stops everything that the demo started", async () => {
  const demo = await startDemo();
  expect((await fetch(demo.pageUrl)).status).toBe(200);
  expect(demo.children.filter(isAlive)).not.toEqual([]);
  demo.stop();
  expect(await demo.exitCode()).toBe(0);
  expect(demo.children.filter(isAlive)).toEqual([]);
  await expect(fetch(demo.pageUrl)).rejects.toThrow();
});

test("a deployment that dies ends the demo, with a word about it", async () => {
  const demo = await startDemo();
  for (const pid of demo.children) {
    process.kill(pid, "SIGKILL");
  }
  expect(await demo.exitCode()).toBe(1);
  expect(await demo.errors).toContain("the deployment ended with SIGKILL");
});

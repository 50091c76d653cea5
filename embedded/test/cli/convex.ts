/** Runs the official CLI, as a user would, on the apps of these tests. */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const CLI = join(
  dirname(createRequire(import.meta.url).resolve("convex/package.json")),
  "bin/main.js",
);

export interface Target {
  url: string;
  adminKey: string;
}

export interface CliResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** The directory of one of `test/apps`. */
export function appDirectory(name: string): string {
  return fileURLToPath(new URL(`../apps/${name}`, import.meta.url));
}

/** `npx convex <args>` in `directory`, against `target`. */
export function convex(
  directory: string,
  args: string[],
  target: Target,
): Promise<CliResult> {
  const child = spawn(
    process.execPath,
    [CLI, ...args, "--url", target.url, "--admin-key", target.adminKey],
    {
      cwd: directory,
      // CI: the CLI asks nothing and reports its crashes to nobody.
      env: { PATH: process.env.PATH, HOME: process.env.HOME, CI: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** The apps use the generic builders, so they need no generated code. */
export const AS_IS = ["--codegen", "disable", "--typecheck", "disable"];

/** Deploys one of `test/apps`, or fails with what the CLI said. */
export async function deployApp(app: string, target: Target): Promise<void> {
  await deployDirectory(appDirectory(app), target);
}

export async function deployDirectory(
  directory: string,
  target: Target,
): Promise<void> {
  const { code, stderr } = await convex(
    directory,
    ["deploy", ...AS_IS],
    target,
  );
  if (code !== 0) throw new Error(`convex deploy failed:\n${stderr}`);
}

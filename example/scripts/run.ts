import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

/** Runs a program to its end, silently. When it fails, its output says why. */
export async function run(
  file: string,
  args: string[],
  options: {
    /** What to call it in an error: arguments may hold secrets. */
    title: string;
    cwd: string;
    env?: NodeJS.ProcessEnv;
  },
): Promise<void> {
  const { cwd, env } = options;
  const child = spawn(file, args, {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close") as Promise<[number | null]>,
  ]);
  if (code !== 0) {
    throw new Error(
      `"${options.title}" ended with ${code}:\n${stdout}${stderr}`,
    );
  }
}

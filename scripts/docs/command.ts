/** Commands in an app outside the repository, as its owner would run them. */
import { spawn } from "node:child_process";

/** @returns what it printed on stdout. @throws with all it printed, when it fails. */
export function run(directory: string, words: string[]): Promise<string> {
  const [command, ...args] = words as [string, ...string[]];
  const child = spawn(command, args, {
    cwd: directory,
    // With CI set, the Convex CLI reports none of its errors to its makers. Where they
    // cannot be reached, it would wait for that report instead of exiting.
    env: { ...cleanEnvironment(process.env), CI: "true" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let all = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    all += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (all += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(stdout);
      else reject(new Error(`${words.join(" ")} exited with ${code}:\n${all}`));
    });
  });
}

/** Without what npm says of the checkout's scripts, and the caller's shell of other deployments. */
function cleanEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) =>
        !/^(CONVEX_|npm_(lifecycle|package)_|npm_config_local_prefix$|INIT_CWD$)/.test(
          name,
        ),
    ),
  );
}

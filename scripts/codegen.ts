/**
 * Makes the `_generated` files of the component and of the example with the
 * official CLI, against an embedded deployment of its own.
 */
import { spawn, spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { startDeployment } from "../embedded/src/index.js";

const root = fileURLToPath(new URL("..", import.meta.url));
// The CLI wants to be run in an app; the component is pushed with the example's.
const appDir = path.join(root, "example");
const cli = path.join(
  path.dirname(createRequire(import.meta.url).resolve("convex/package.json")),
  "bin/main.js",
);
const COMPONENTS = ["../src/component"];

const deployment = await startDeployment();
try {
  const target = ["--url", deployment.url, "--admin-key", deployment.adminKey];
  for (const args of [
    ...COMPONENTS.map((dir) => ["codegen", "--component-dir", dir, ...target]),
    ["codegen", ...target],
  ]) {
    await run(args);
  }
} finally {
  await deployment.close();
}
const generated = [...COMPONENTS, "convex"].map((dir) =>
  path.join(appDir, dir, "_generated"),
);
spawnSync("npx", ["prettier", "--ignore-path", "", "--write", ...generated], {
  stdio: "inherit",
});

async function run(args: string[]): Promise<void> {
  const code = await new Promise<number | null>((resolve, reject) => {
    spawn(process.execPath, [cli, ...args], { cwd: appDir, stdio: "inherit" })
      .on("error", reject)
      .on("exit", resolve);
  });
  if (code !== 0) throw new Error(`convex ${args[0]} exited with ${code}`);
}

/** The official CLI, against a deployment of our own. */
import { createRequire } from "node:module";
import path from "node:path";
import type { Ready } from "./deployment.js";
import { exampleDir } from "./paths.js";
import { run } from "./run.js";

const cli = path.join(
  path.dirname(createRequire(import.meta.url).resolve("convex/package.json")),
  "bin/main.js",
);

/** Pushes functions and schema, as `npx convex deploy` does. */
export async function pushFunctions(deployment: Ready): Promise<void> {
  await convex(deployment, [
    "deploy",
    "--yes",
    // Generated files are committed and `npm run typecheck` checks types: a
    // demo that starts does neither again.
    "--codegen=disable",
    "--typecheck=disable",
  ]);
}

export async function setEnv(
  deployment: Ready,
  name: string,
  value: string,
): Promise<void> {
  await convex(deployment, ["env", "set", name, value]);
}

export async function callFunction(
  deployment: Ready,
  name: string,
  args: object,
): Promise<void> {
  await convex(deployment, ["run", name, JSON.stringify(args)]);
}

async function convex({ url, adminKey }: Ready, args: string[]): Promise<void> {
  const {
    // What else the caller's shell or an .env file says about deployments.
    CONVEX_DEPLOYMENT: _,
    CONVEX_DEPLOY_KEY: __,
    ...env
  } = process.env;
  await run(process.execPath, [cli, ...args], {
    title: `convex ${args[0]}`,
    cwd: exampleDir,
    env: {
      ...env,
      CONVEX_SELF_HOSTED_URL: url,
      CONVEX_SELF_HOSTED_ADMIN_KEY: adminKey,
    },
  });
}

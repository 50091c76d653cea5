/** The command line of the embedded deployment. */
import { parseArgs } from "node:util";
import type { DeploymentOptions } from "./deployment.js";
import { ABILITIES, type Ability } from "./runtime/abilities.js";

export interface CommandLine {
  deployment: DeploymentOptions;
  /** Print what every function has done at the end. */
  stats: boolean;
  /** Log what functions log. */
  verbose: boolean;
  help: boolean;
}

export const USAGE = `Usage: npm run embedded -- [options]

  --port P        port of the API (default 0: any free one)
  --site-port P   port of the HTTP actions (default 0: any free one)
  --host H        address to listen on (default 127.0.0.1: this machine only)
  --allow-origin O
                  let pages of this origin call, besides those of this machine;
                  may be repeated
  --data DIR      where everything is kept (default: in memory, gone at the end)
  --class C       concurrency of a deployment class: S16, S256 or D1024 (default S256)
  --lacks A,B     be an older deployment, without these abilities:
                  getTransactionMetrics, useStaleSnapshot, getDeploymentMetadata,
                  transactionLimits, commitTs, getSnapshotTs
  --stats         print every function's counters at the end
  --verbose       log what functions log, to stderr
  --help          this text

When it is ready it prints one line of JSON: { "url", "siteUrl", "adminKey" }.`;

const CLASSES = ["S16", "S256", "D1024"] as const;

/** Throws with a sentence that names the option and what it may be. */
export function parseCommandLine(args: string[]): CommandLine {
  const { values } = parseArgs({
    args,
    allowPositionals: false,
    options: {
      port: { type: "string" },
      "site-port": { type: "string" },
      host: { type: "string" },
      "allow-origin": { type: "string", multiple: true },
      data: { type: "string" },
      class: { type: "string" },
      lacks: { type: "string" },
      stats: { type: "boolean", default: false },
      verbose: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const deployment: DeploymentOptions = {
    port: parsePort("--port", values.port),
    sitePort: parsePort("--site-port", values["site-port"]),
  };
  if (values.host !== undefined) deployment.host = values.host;
  const origins = values["allow-origin"];
  if (origins !== undefined) {
    deployment.allowedOrigins = origins.map(parseOrigin);
  }
  if (values.data !== undefined) {
    if (values.data === "") {
      throw new Error("--data must name a directory; it is empty.");
    }
    deployment.dataDir = values.data;
  }
  if (values.class !== undefined) {
    const found = CLASSES.find((each) => each === values.class);
    if (found === undefined) {
      throw new Error(
        `--class must be one of ${CLASSES.join(", ")}, not "${values.class}".`,
      );
    }
    deployment.deploymentClass = found;
  }
  if (values.lacks !== undefined) {
    deployment.lacks = values.lacks.split(",").map(parseAbility);
  }
  const { stats, verbose, help } = values;
  return { deployment, stats, verbose, help };
}

function parsePort(option: string, value: string | undefined): number {
  if (value === undefined) return 0;
  const port = Number(value);
  if (!/^\d+$/.test(value) || port > 65_535) {
    throw new Error(
      `${option} must be an integer from 0 to 65535, not "${value}".`,
    );
  }
  return port;
}

function parseAbility(value: string): Ability {
  const found = ABILITIES.find((each) => each === value);
  if (found !== undefined) return found;
  throw new Error(
    `--lacks must name some of ${ABILITIES.join(", ")}, separated by commas, not "${value}".`,
  );
}

function parseOrigin(value: string): string {
  if (
    !/^https?:/.test(value) ||
    !URL.canParse(value) ||
    new URL(value).origin !== value
  ) {
    throw new Error(
      `--allow-origin must be an origin like https://example.com or http://example.com:8080, not "${value}".`,
    );
  }
  return value;
}

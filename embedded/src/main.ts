/** `npm run embedded`: the deployment as a process. */
import { startDeployment } from "./deployment.js";
import { parseCommandLine, USAGE, type CommandLine } from "./options.js";

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function readCommandLine(): CommandLine {
  try {
    return parseCommandLine(process.argv.slice(2));
  } catch (error) {
    return fail(`${(error as Error).message}\n\n${USAGE}`);
  }
}

const { deployment: options, stats, verbose, help } = readCommandLine();
if (help) {
  process.stdout.write(`${USAGE}\n`);
  process.exit(0);
}

const deployment = await startDeployment({
  ...options,
  onLog(message) {
    // Faults of the deployment and of its disk are always worth a line.
    if (verbose || /^(Internal error|Storage):/.test(message)) {
      process.stderr.write(`${message}\n`);
    }
  },
}).catch((error: unknown) => fail((error as Error).message));

let stopping = false;
async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  const counted = deployment.stats();
  await deployment.close();
  if (stats) {
    process.stdout.write(`${JSON.stringify({ stats: counted })}\n`);
  }
  process.exit(0);
}
process.on("SIGINT", () => void stop());
process.on("SIGTERM", () => void stop());

const { url, siteUrl, adminKey } = deployment;
process.stdout.write(`${JSON.stringify({ url, siteUrl, adminKey })}\n`);

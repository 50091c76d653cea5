/**
 * Does what a reader of a page does: puts its files into an app, runs its commands,
 * and sees what it prints. A file that is shown again replaces what it was, and both
 * versions of the app are pushed and type-checked.
 */
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { isDeepStrictEqual } from "node:util";
import type { Block, Command } from "./blocks.js";
import { OutsideApp } from "./outsideApp.js";

/** A printed outcome may take a moment to come about. */
const TRIES = 20;

/** Against hanging only: how long a test takes is for the machine to say. */
const TEST_TIMEOUT = "--testTimeout=120000";

/** What every app has that a reader brings along. */
const BROUGHT_ALONG = ["convex", "typescript"];

export async function readThrough(
  blocks: Block[],
  registryUrl: string,
  versionOf: (name: string) => string | undefined,
): Promise<void> {
  const packages = [...BROUGHT_ALONG, ...installedBy(blocks)].map((name) => {
    const version = versionOf(name);
    return version === undefined ? name : `${name}@${version}`;
  });
  const app = await OutsideApp.create({ registryUrl, packages });
  const receiver = await startReceiver();
  let printed = "";
  try {
    for (const block of blocks) {
      if (block.kind === "file") {
        if (!block.path.startsWith("convex/")) {
          throw new Error(
            `Line ${block.line}: ${block.path} is not in convex/, so nothing here checks it.`,
          );
        }
        if (app.has(block.path)) await app.check();
        app.write(block.path, block.code);
      } else if (block.kind === "command" && block.words[0] === "npx") {
        await app.initialize();
        printed = await runCommand(app, block, printed, receiver.url);
      }
    }
    await app.check();
  } finally {
    receiver.server.close();
    await app.remove();
  }
}

/** The packages that `npm install` lines name. */
function installedBy(blocks: Block[]): string[] {
  return blocks.flatMap((block) =>
    block.kind === "command" && isInstall(block.words)
      ? block.words.slice(2).filter((word) => !word.startsWith("-"))
      : [],
  );
}

function isInstall([command, subcommand]: string[]): boolean {
  return command === "npm" && subcommand === "install";
}

/**
 * The command as printed, but for what a reader would fill in (`<id>`: what the
 * command before printed) and what lies on the internet.
 */
async function runCommand(
  app: OutsideApp,
  { words, prints, line }: Command,
  before: string,
  receiverUrl: string,
): Promise<string> {
  const filledIn = words.map((word) =>
    word
      .replaceAll('"<id>"', before.trim())
      .replaceAll(/https:\/\/[^/"]+/g, receiverUrl),
  );
  if (words[1] === "vitest") filledIn.push(TEST_TIMEOUT);
  let printed = "";
  for (let tries = 0; tries < TRIES; tries += 1) {
    printed = await app.run(filledIn);
    if (prints === undefined) return printed;
    if (isDeepStrictEqual(JSON.parse(printed), JSON.parse(prints))) {
      return printed;
    }
  }
  throw new Error(
    `Line ${line}: ${words.join(" ")} does not print what the page says, but ${printed}`,
  );
}

/** Stands in for services on the internet: it accepts everything. */
async function startReceiver(): Promise<{ url: string; server: Server }> {
  const server = createServer((_request, response) => {
    response.end("thanks");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, server };
}

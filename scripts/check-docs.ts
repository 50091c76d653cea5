/**
 * What the documentation shows must work for a reader who has nothing but it. The code
 * of each page is pushed by the official CLI and type-checked, in an app outside the
 * repository that has the package as packed; its commands are run, its tests too.
 * What README says about overrides is done, and links must lead somewhere.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type Block, blocksOf, type CodeFile } from "./docs/blocks.js";
import { checkInCheckout, isOfTheCheckout } from "./docs/checkoutCode.js";
import { brokenLinks } from "./docs/links.js";
import { checkOverride } from "./docs/override.js";
import { readThrough } from "./docs/readThrough.js";
import { startRegistry } from "./docs/registry.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (file: string) => fs.readFileSync(path.join(root, file), "utf8");

const { repository } = JSON.parse(read("package.json")) as {
  repository: { url: string };
};
const repositoryUrl = repository.url.replace(/^git\+|\.git$/g, "");

const { packages: locked } = JSON.parse(read("package-lock.json")) as {
  packages: Record<string, { version?: string }>;
};
/** What the lockfile has, so that a day's new versions do not decide. */
const versionOf = (name: string) => locked[`node_modules/${name}`]?.version;

const pages = [
  "README.md",
  ...fs
    .readdirSync(path.join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

for (const page of [...pages, "example/README.md", "CHANGELOG.md"]) {
  for (const problem of brokenLinks(root, page, repositoryUrl)) {
    console.error(problem);
    process.exitCode = 1;
  }
}

const packed = fs.mkdtempSync(path.join(os.tmpdir(), "packed-"));
const registry = await startRegistry(root, packed);
try {
  // Side by side: each waits for npm and the CLI most of the time.
  await Promise.all([
    ...pages.flatMap(checksOf),
    check("README.md: the override", () =>
      checkOverride(root, blocksOf(read("README.md")), registry.url, versionOf),
    ),
  ]);
} finally {
  registry.close();
  fs.rmSync(packed, { recursive: true });
}

function checksOf(page: string): Promise<void>[] {
  const [ofCheckout, ofReader] = partition(blocksOf(read(page)));
  return [
    ...(ofCheckout.length > 0
      ? [
          check(`${page}: code for the checkout`, () =>
            checkInCheckout(root, page, ofCheckout),
          ),
        ]
      : []),
    ...(ofReader.some(({ kind }) => kind === "file")
      ? [
          check(`${page}: read through`, () =>
            readThrough(ofReader, registry.url, versionOf),
          ),
        ]
      : []),
  ];
}

/** Code that needs a checkout, and what anybody can follow. */
function partition(blocks: Block[]): [CodeFile[], Block[]] {
  const needsCheckout = (block: Block): block is CodeFile =>
    block.kind === "file" && isOfTheCheckout(block);
  return [
    blocks.filter(needsCheckout),
    blocks.filter((block) => !needsCheckout(block)),
  ];
}

async function check(title: string, doIt: () => Promise<void>): Promise<void> {
  try {
    await doIt();
    console.log(`ok   ${title}`);
  } catch (error) {
    console.error(`FAIL ${title}\n${(error as Error).message}`);
    process.exitCode = 1;
  }
}

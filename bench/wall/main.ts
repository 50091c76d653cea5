/** `npm run bench:wall`: what the clock on the wall says. */
import { fileURLToPath } from "node:url";
import { writeSections } from "../publish.js";
import { asMarkdown, asText, type Table } from "../render.js";
import { parseOptions, USAGE, type Options } from "./options.js";
import { measureRelay, type RelayRuns } from "./sideBySide.js";
import {
  ofVariants,
  profiledLoads,
  profileTable,
  relayTable,
  throughputTable,
} from "./tables.js";
import { measureThroughput, type Variant } from "./throughput.js";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));
/** The peer polls for up to ten seconds after its last job. */
const TAIL_MS = 10_000;

let options: Options | null;
try {
  options = parseOptions(process.argv.slice(2));
} catch (error) {
  console.error((error as Error).message);
  process.exit(2);
}
if (options === null) console.log(USAGE);
else await measure(options);

async function measure(options: Options): Promise<void> {
  const tables: Record<string, Table> = {};
  if (options.parts.includes("relay")) {
    const relay = await measureDemo(options);
    tables["wall-relay"] = relayTable(relay);
    tables["wall-relay-profile"] = profileTable([
      { name: "the demo", store: "disk", time: relay.time },
    ]);
  }
  if (options.parts.includes("throughput")) {
    Object.assign(tables, await throughput(options));
  }
  for (const table of Object.values(tables)) console.log(`\n${asText(table)}`);
  if (!options.publish) return;
  const date = new Date().toISOString().slice(0, 10);
  const given = process.argv.slice(2);
  // Where the other checkout is on this machine says nothing to others.
  const shown = given.map((text, index) =>
    given[index - 1] === "--against" ? "…" : text,
  );
  const command = ["npm run bench:wall --", ...shown].join(" ");
  const page = await writeSections({
    ...Object.fromEntries(
      Object.entries(tables).map(([name, table]) => [name, asMarkdown(table)]),
    ),
    "wall-when": `Measured on ${date} with \`${command}\`.`,
  });
  console.error(`Written: ${page}`);
}

function measureDemo({ runs, webhooks }: Options): Promise<RelayRuns> {
  return measureRelay({
    runs,
    webhooks,
    tailMs: TAIL_MS,
    onRun: (component, { deliveries, seconds }) =>
      console.error(
        `${component}: ${deliveries} deliveries in ${seconds.toFixed(1)} s`,
      ),
  });
}

async function throughput({
  runs,
  scale,
  against,
}: Options): Promise<Record<string, Table>> {
  const variantsOf = (root: string): Variant[] => [
    { store: "memory", root },
    { store: "disk", root },
  ];
  const ours = variantsOf(REPOSITORY);
  const others = against === null ? [] : variantsOf(against);
  const results = await measureThroughput({
    variants: [...ours, ...others],
    rounds: runs,
    scale,
    onLoad: (name) => console.error(name),
  });
  const own = ofVariants(results, ours);
  return {
    "wall-throughput": throughputTable(own, ofVariants(results, others)),
    "wall-profile": profileTable(profiledLoads(own)),
  };
}

/** `npm run bench:wall`: what the clock on the wall says. */
import { writeSections } from "../publish.js";
import { asMarkdown, asText, type Table } from "../render.js";
import { type Options, parseOptions, type Part, USAGE } from "./options.js";
import { REPOSITORY } from "./packages.js";
import { measureRelay } from "./relayRuns.js";
import {
  functionsTable,
  ofVariants,
  profiledLoads,
  profileTable,
  relayTable,
  spentOnRelay,
  spentOnWorkflows,
  throughputTable,
  workflowTable,
} from "./tables.js";
import { measureThroughput, type Variant } from "./throughput.js";
import { CASES, measureWorkflows } from "./workflow.js";

/** The peer polls for up to ten seconds after its last job. */
const TAIL_MS = 10_000;

interface Measured {
  /** By the name of their place in docs/benchmarks.md. */
  tables: Record<string, Table>;
  /** What is shown, and not published. */
  aside: Table[];
}

const MEASURE: Record<Part, (options: Options) => Promise<Measured>> = {
  workflow,
  relay,
  throughput,
};

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
  for (const part of options.parts) {
    const { tables, aside } = await MEASURE[part](options);
    for (const table of [...Object.values(tables), ...aside]) {
      console.log(`\n${asText(table)}`);
    }
    if (options.publish) await publish(part, tables);
  }
}

/** Each part says when it was measured: they need not be of one run. */
async function publish(
  part: Part,
  tables: Record<string, Table>,
): Promise<void> {
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
    [`wall-${part}-when`]: `Measured on ${date} with \`${command}\`.`,
  });
  console.error(`Written: ${page}`);
}

async function workflow({ runs, functions }: Options): Promise<Measured> {
  const measured = await measureWorkflows({
    runs,
    cases: CASES,
    onRun: (component, { workflows, steps }, { seconds }) =>
      console.error(
        `${component}: ${workflows} × ${steps} steps in ${seconds.toFixed(2)} s`,
      ),
  });
  return {
    tables: { "wall-workflow": workflowTable(measured) },
    aside: functions ? [functionsTable(spentOnWorkflows(measured))] : [],
  };
}

async function relay({ runs, webhooks, functions }: Options) {
  const measured = await measureRelay({
    runs,
    webhooks,
    tailMs: TAIL_MS,
    onRun: (component, { deliveries, seconds }) =>
      console.error(
        `${component}: ${deliveries} deliveries in ${seconds.toFixed(1)} s`,
      ),
  });
  const profile = { name: "the demo", store: "disk", time: measured.time };
  return {
    tables: {
      "wall-relay": relayTable(measured),
      "wall-relay-profile": profileTable([profile]),
    },
    aside: functions ? [functionsTable([spentOnRelay(measured)])] : [],
  };
}

async function throughput({
  runs,
  scale,
  against,
}: Options): Promise<Measured> {
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
    tables: {
      "wall-throughput": throughputTable(own, ofVariants(results, others)),
      "wall-profile": profileTable(profiledLoads(own)),
    },
    aside: [],
  };
}

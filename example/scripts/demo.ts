/**
 * `npm run demo`: Relay at work, until Ctrl-C.
 * `npm run demo -- --check`: the same without a page, judged when all is done.
 */
import { once } from "node:events";
import { parseArgs } from "node:util";
import { samples } from "../github/samples.js";
import { roster } from "../receivers/roster.js";
import { compare, expectedAt } from "./check.js";
import { checkIngress } from "./check-ingress.js";
import { allDeliveries, allSettled } from "./observe.js";
import { startRelay, type Relay } from "./relay.js";
import { printReports } from "./table.js";

const { values: options } = parseArgs({
  options: {
    check: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
  },
});

const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => stopping.abort());
}

/** Resolves when somebody ends the demo; rejects when something does. */
async function ended(relay: Relay): Promise<void> {
  const stopped = stopping.signal.aborted
    ? Promise.resolve()
    : once(stopping.signal, "abort");
  const died = relay.deployment.exited.then((how) => {
    throw new Error(how);
  });
  await Promise.race([stopped, died]);
}

async function show(relay: Relay): Promise<number> {
  console.log(`\n  Relay is at ${relay.pageUrl}\n`);
  console.log(`sending ${samples.length} webhooks …`);
  relay.sender.sendAll(samples).then(
    () => console.log("sent. Ctrl-C stops everything."),
    (error: unknown) => {
      if (!stopping.signal.aborted) console.error("sending stopped:", error);
    },
  );
  await ended(relay);
  return 0;
}

async function check(relay: Relay, signal: AbortSignal): Promise<number> {
  const { url } = relay.deployment;
  console.log(`sending ${samples.length} webhooks …`);
  const sent = await relay.sender.sendAll(samples);
  const ingressProblems = await checkIngress(relay.sender, sent[0]!.guid);
  const total = roster
    .map((receiver) => expectedAt(receiver, sent).length)
    .reduce((a, b) => a + b, 0);
  console.log(`waiting until ${total} deliveries are settled …`);
  await allSettled(url, total, signal);
  const recorded = await allDeliveries(url);
  const reports = roster.map((receiver) =>
    compare(receiver, sent, recorded, relay.receivers.seen(receiver.name)),
  );
  printReports(reports, ingressProblems);
  return ingressProblems.length > 0 ||
    reports.some(({ problems }) => problems.length > 0)
    ? 1
    : 0;
}

/** The check, given up when somebody or something ends the demo. */
async function checkUnlessEnded(relay: Relay): Promise<number> {
  const givingUp = new AbortController();
  try {
    return await Promise.race([
      check(relay, givingUp.signal),
      ended(relay).then(() => 1),
    ]);
  } finally {
    givingUp.abort();
  }
}

async function main(): Promise<number> {
  const relay = await startRelay({
    page: !options.check,
    signal: stopping.signal,
    onStep: (step) => console.log(`${step} …`),
    onLog: options.verbose ? (line) => console.error(line) : undefined,
  });
  try {
    return await (options.check ? checkUnlessEnded(relay) : show(relay));
  } finally {
    console.log("stopping …");
    await relay.stop();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  process.exitCode = 1;
  console.error(stopping.signal.aborted ? "stopped" : error);
}

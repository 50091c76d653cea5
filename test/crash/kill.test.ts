/** The deployment as a process, killed without warning, again and again, in the middle of work. */
import { ConvexClient } from "convex/browser";
import { anyApi } from "convex/server";
import { expect, onTestFinished, test } from "vitest";
import { watch } from "../../embedded/test/sync/events.js";
import { audit } from "./audit.js";
import { freePort, freshData, serve } from "./fixture.js";
import { Load } from "./load.js";
import { Moments } from "./moments.js";
import { openStore, type Store } from "./store.js";
import { startWitness } from "./witness.js";

const api = anyApi as any;

const KILLS = 54;
/** After so many nobody enqueues any more: clients get their answers, and work goes on. */
const KILLS_UNDER_LOAD = 50;
/** Answers and calls of handlers between a start and the next kill, at most. */
const MOST_EVENTS = 100;
/** So that a kill does not always follow an answer. */
const MOST_PAUSE_MS = 50;
/** How long a kill may come after a start that it interrupts. It serves after about that long. */
const START_MS = 700;
/** Works that one subscription looks after. */
const WATCHED_TOGETHER = 300;

test(`${KILLS} kills under load: nothing acknowledged is lost, nothing is done twice`, async () => {
  const moments = Moments.announced("kills");
  const dataDir = await freshData();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const start = () => serve(dataDir, "--port", String(port));

  let events = 0;
  let enough: { count: number; resolve(): void } | null = null;
  const onEvent = () => {
    events += 1;
    if (enough !== null && events >= enough.count) enough.resolve();
  };
  /** Resolves after this many answers and calls from now on. */
  const happened = (count: number) =>
    new Promise<void>((resolve) => {
      enough = { count: events + count, resolve };
    });

  const witness = await startWitness(onEvent);
  const load = new Load(moments, witness.url, onEvent);
  let running = start();
  /** The process that runs now, or the next that gets so far. */
  const serving = async (): Promise<void> => {
    const awaited = running;
    const isReady = await awaited.ready.then(
      () => true,
      () => false,
    );
    if (!isReady || awaited !== running) await nextTurn().then(serving);
  };
  const producers = Promise.all([
    load.overHttp("a", url, serving),
    load.overHttp("b", url, serving),
    load.overSocket("c", url),
    load.overSocket("d", url),
  ]);
  producers.catch(() => {});

  for (let kill = 0; kill < KILLS; kill++) {
    if (moments.chance(0.15)) {
      await after(moments.below(START_MS));
    } else {
      await running.ready;
      await Promise.race([happened(moments.scale(MOST_EVENTS)), producers]);
      await after(moments.below(MOST_PAUSE_MS));
    }
    if (kill === KILLS_UNDER_LOAD) load.stop();
    running.kill("SIGKILL");
    expect(await running.exit).toMatchObject({ signal: "SIGKILL", stderr: "" });
    running = start();
  }
  await producers;
  running.kill("SIGKILL");
  await running.exit;

  const between = await openStore(dataDir);
  const ids = idsIn(between);
  await between.close();
  running = start();
  await running.ready;
  await allEnded(url, ids);
  running.kill("SIGTERM");
  expect(await running.exit).toMatchObject({ code: 0, stderr: "" });

  const store = await openStore(dataDir);
  await store.settle();
  const counts = audit(store, load.batches, witness.calls);
  console.log(
    `${KILLS + 1} kills, ${load.interrupted} requests interrupted: ${JSON.stringify(counts)}`,
  );
  expect(await store.passADay(), "functions an idle pool calls").toEqual([]);
});

function idsIn(store: Store): string[] {
  return store
    .rows("batches")
    .flatMap(({ works }) => works.map(({ workId }: any) => workId as string));
}

/** Resolves when all these works have ended and their callbacks have run. */
async function allEnded(url: string, ids: readonly string[]): Promise<void> {
  const client = new ConvexClient(url, { logger: false });
  onTestFinished(() => client.close());
  for (let start = 0; start < ids.length; start += WATCHED_TOGETHER) {
    const unfinished = watch<number>(client, api.requests.unfinished, {
      ids: ids.slice(start, start + WATCHED_TOGETHER),
    });
    await unfinished.until(({ latest }) => latest === 0);
    unfinished.stop();
  }
  await client.close();
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A queue so long that nothing about it may be done in one go. */
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { expect, test } from "vitest";
import { expectAtRest } from "./audit.js";
import { freshData, serve, until } from "./fixture.js";
import { openStore } from "./store.js";

const api = anyApi as any;
const COUNT = 100_000;
/** Of one batch: the enqueuing mutation has a second of CPU time. */
const AT_ONCE = 1_000;

interface Health {
  problems: string[];
  facts: string[];
  backlog: { count: number; isAtLeast: boolean };
}

test("100,000 works wait in a paused pool, can be asked for, survive a crash, and are canceled though that is interrupted too", async () => {
  const dataDir = await freshData();
  const first = serve(dataDir);
  let client = new ConvexHttpClient((await first.ready).url, { logger: false });
  await client.mutation(api.requests.setLimit, { maxParallelism: 0 });
  const ids: string[] = [];
  for (let from = 0; from < COUNT; from += AT_ONCE) {
    ids.push(
      ...(await client.mutation(api.requests.enqueueMany, {
        from,
        count: AT_ONCE,
      })),
    );
  }
  expect(new Set(ids).size).toBe(COUNT);
  first.kill("SIGKILL");
  expect((await first.exit).stderr).toBe("");

  const second = serve(dataDir);
  client = new ConvexHttpClient((await second.ready).url, { logger: false });
  const some = Array.from(
    { length: 2_000 },
    (_, index) => ids[index * (COUNT / 2_000)]!,
  );
  const states = await client.query(api.requests.statusBatch, { ids: some });
  expect(new Set(states.map(({ state }: any) => state))).toEqual(
    new Set(["pending"]),
  );
  for (const id of [ids[0], ids.at(-1)]) {
    expect(await client.query(api.requests.get, { id })).toMatchObject({
      state: "pending",
      attempts: 0,
    });
  }
  const health: Health = await client.query(api.requests.health, {});
  expect(health.problems).toEqual([]);
  expect(health.facts).toContainEqual(
    expect.stringMatching(
      /^The pool is paused.* at least \d+ works are waiting/i,
    ),
  );
  expect(health.backlog.isAtLeast).toBe(true);

  await client.mutation(api.requests.cancelAll, { limit: 1_000 });
  const middle = ids[COUNT / 2]!;
  await until<{ state: string }[]>(
    second,
    api.requests.statusBatch,
    (found) => found[0]!.state === "finished",
    { ids: [middle] },
  );
  second.kill("SIGKILL");
  expect((await second.exit).stderr).toBe("");

  const third = serve(dataDir);
  client = new ConvexHttpClient((await third.ready).url, { logger: false });
  await until<Health>(
    third,
    api.requests.health,
    ({ backlog }) => backlog.count === 0,
  );
  await client.mutation(api.requests.setLimit, { maxParallelism: null });
  const [last] = await client.mutation(api.requests.enqueueMany, {
    from: COUNT,
    count: 1,
  });
  await until<{ state: string }[]>(
    third,
    api.requests.statusBatch,
    (found) => found[0]!.state === "finished",
    { ids: [last] },
  );
  third.kill("SIGTERM");
  expect(await third.exit).toMatchObject({ code: 0, stderr: "" });

  const store = await openStore(dataDir);
  await store.settle();
  expect(store.rows("effects").map(({ key }) => key)).toEqual([`${COUNT}`]);
  expectAtRest(store);
});

/** A deployment that was down while much became due. */
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { expect, test } from "vitest";
import { freshData, serve, until } from "./fixture.js";
import { openStore } from "./store.js";

const api = anyApi as any;
const COUNT = 10_000;
/** What one transaction may schedule. */
const AT_ONCE = 1_000;

test("10,000 scheduled functions that are due at the restart run once each, though it is killed again among them", async () => {
  const dataDir = await freshData();
  const first = serve(dataDir);
  const client = new ConvexHttpClient((await first.ready).url, {
    logger: false,
  });
  const at = Date.now() + 8_000;
  for (let from = 0; from < COUNT; from += AT_ONCE) {
    await client.mutation(api.reminders.plan, { from, count: AT_ONCE, at });
  }
  first.kill("SIGKILL");
  await first.exit;

  const between = await openStore(dataDir);
  const planned = between.rows("_scheduled_functions").length;
  expect(planned).toBe(COUNT);
  await between.close();
  await new Promise((resolve) => setTimeout(resolve, at - Date.now()));

  const second = serve(dataDir);
  await until<number>(second, api.reminders.count, (count) => count > 0);
  second.kill("SIGKILL");
  expect((await second.exit).stderr).toBe("");

  const third = serve(dataDir);
  await until<number>(third, api.reminders.count, (count) => count >= COUNT);
  third.kill("SIGTERM");
  expect(await third.exit).toMatchObject({ code: 0, stderr: "" });

  const store = await openStore(dataDir);
  const numbers = store.rows("reminders").map(({ number }) => number as number);
  expect(numbers.sort((a, b) => a - b)).toEqual(
    Array.from({ length: COUNT }, (_, number) => number),
  );
  const states = store
    .rows("_scheduled_functions")
    .map(({ state }) => state.kind);
  expect(new Set(states)).toEqual(new Set(["success"]));
  expect(await store.passADay()).toEqual([]);
});

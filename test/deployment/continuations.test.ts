/** Works that go on with other arguments, in a real executor. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { pushedApp } from "../../sim/push.js";
import { expectAtRest } from "./invariants.js";
import { Simulation } from "./simulation.js";

const APP = fileURLToPath(new URL("identityApp", import.meta.url));

test("a work goes on, hop by hop, also through failures and crashes, to one outcome", async () => {
  const simulation = await Simulation.open({ app: await pushedApp(APP) });
  const retry = { maxAttempts: 4, initialBackoffMs: 10, base: 1 };
  const last = 8;
  const id = await simulation.mutation("enqueueAttached", {
    fn: "pages",
    args: { key: "a", page: 1, last, ms: 2_000, failsFirst: true },
    options: { retry, statusTtl: 3_600_000 },
  });
  for (let n = 0; n < 2; n++) {
    await simulation.pass(7_000);
    await simulation.crash();
  }
  await simulation.drain();
  const pages = simulation.rows("notes").map(({ detail }) => detail);
  // A crash may have a page done twice, and none left out.
  expect([...new Set(pages)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect(pages.length).toBeLessThanOrEqual(last + 2);
  const info = await simulation.query("get", { id });
  expect(info).toMatchObject({
    hops: last - 1,
    result: { kind: "success", returnValue: `page ${last}` },
  });
  expectAtRest(simulation);
});

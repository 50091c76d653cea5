/**
 * What conflicts and what does not. One mutation is held between its begin and its
 * first step, another one commits meanwhile, then the first one goes on; without
 * retries, a conflict shows as the error that a client gets after the last one.
 */
import { ConvexHttpClient } from "convex/browser";
import { describe, expect } from "vitest";
import {
  attempt,
  fail,
  find,
  get,
  insert,
  nested,
  patch,
} from "./app/shared/steps.js";
import {
  all,
  annotate,
  CASES,
  NESTED,
  readAnn,
  type Steps,
} from "./conflictCases.js";
import { backend, conforms, docs } from "./harness/case.js";
import { api, useDeployment } from "./harness/deployment.js";
import { HOLD, HoldingClock } from "./harness/holdingClock.js";

const clock = new HoldingClock();
const app = useDeployment({
  clock,
  latency: { slowMutationsMs: { "script:held": HOLD } },
  limits: { mutationRetry: { retries: 0, initialMs: 0, maxMs: 0 } },
});

async function race(held: Steps, meanwhile: Steps): Promise<string> {
  const [ann, bob, cid]: string[] = await app.client.mutation(
    api.script.reset,
    {
      table: "items",
      rows: [
        { group: "a", rank: 20 },
        { group: "b", rank: 30 },
        { group: "b", rank: 40 },
      ],
    },
  );
  const rows = { ann: ann!, bob: bob!, cid: cid! };
  const client = new ConvexHttpClient(app.url, { logger: false });
  const running = client.mutation(api.script.held, { steps: held(rows) }).then(
    () => "commits",
    (error: Error) => error.message,
  );
  await clock.held();
  await app.mutate(...meanwhile(rows));
  clock.release();
  return running;
}

/** Only who writes is validated; this row is nobody else's. */
const andWrites =
  (steps: Steps): Steps =>
  (rows) => [...steps(rows), insert("notes", {})];

describe("Conflicts", () => {
  for (const [source, did, held, change, meanwhile, ends] of CASES) {
    conforms(`who ${did} ${ends} when ${change}`, source, async () => {
      const ended = await race(andWrites(held), meanwhile);
      if (ends === "commits") expect(ended).toBe("commits");
      else expect(ended).toContain("OptimisticConcurrencyControlFailure");
    });
  }

  conforms(
    "a mutation that writes nothing never conflicts",
    backend("crates/database/src/committer.rs"),
    async () => {
      expect(await race(all, annotate("ann"))).toBe("commits");
    },
  );

  conforms(
    "a mutation whose writes were all rolled back never conflicts",
    NESTED,
    async () => {
      const undone: Steps = (rows) => [
        ...all(rows),
        attempt(nested(...annotate("bob")(rows), fail())),
      ];
      expect(await race(undone, annotate("ann"))).toBe("commits");
    },
  );

  conforms(
    "the error names the table and leads to the documentation",
    docs("error"),
    async () => {
      const ended = await race(andWrites(readAnn), annotate("ann"));
      expect(ended).toContain(
        'Documents read from or written to the \\"items\\" table changed while this mutation was being run and on every subsequent retry.',
      );
      expect(ended).toContain("https://docs.convex.dev/error#1");
    },
  );

  conforms(
    "whoever conflicts has written nothing",
    docs("database/advanced/occ"),
    async () => {
      await race(
        (rows) => [...readAnn(rows), insert("lost", { by: "the held one" })],
        annotate("ann"),
      );
      expect(await app.read(find("lost"))).toEqual([[]]);
    },
  );

  conforms(
    "a held mutation reads the snapshot it began with, whatever is committed meanwhile",
    docs("database/advanced/occ"),
    async () => {
      const [id] = await app.mutate(insert("items", { group: "s", rank: 1 }));
      const client = new ConvexHttpClient(app.url, { logger: false });
      const running = client.mutation(api.script.held, {
        steps: [get(id), find("later")],
      });
      await clock.held();
      await app.mutate(patch(id, { rank: 2 }), insert("later", {}));
      clock.release();
      expect(await running).toMatchObject([{ rank: 1 }, []]);
    },
  );
});

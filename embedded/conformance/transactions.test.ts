/** What a transaction is: all or nothing, one snapshot, repeated when it lost a race. */
import { ConvexHttpClient } from "convex/browser";
import { describe, expect } from "vitest";
import {
  attempt,
  fail,
  find,
  get,
  inLedger,
  insert,
  nested,
  nestedQuery,
  patch,
  remove,
  replace,
  stale,
} from "./app/shared/steps.js";
import { backend, conforms, docs, npm } from "./harness/case.js";
import { api, useDeployment } from "./harness/deployment.js";
import { HOLD, HoldingClock } from "./harness/holdingClock.js";

const clock = new HoldingClock();
const app = useDeployment({
  clock,
  latency: {
    slowMutationsMs: {
      "transactions:heldIncrement": HOLD,
      "script:held": HOLD,
    },
  },
  limits: { mutationRetry: { retries: 4, initialMs: 1, maxMs: 1 } },
});

const MUTATIONS = docs("functions/mutation-functions");
const OCC = docs("database/advanced/occ");
const SUB_TRANSACTIONS = docs("components/using");
const WRITES = backend("crates/database/src/writes.rs");
const WRITING = docs("database/writing-data");
const RUNTIME = docs("functions/runtimes");

const count = async (name: string): Promise<number[]> =>
  (await app.read(find("counters", { filter: ["name", name] })))[0].map(
    (row: { count: number }) => row.count,
  );
const row = { group: "t", rank: 1 };

describe("Transactions", () => {
  conforms(
    "a mutation that throws leaves nothing behind",
    MUTATIONS,
    async () => {
      await expect(
        app.mutate(
          insert("gone", {}),
          { op: "schedule", delayMs: 1e9 },
          inLedger(insert("gone", {})),
          fail("no, thank you"),
        ),
      ).rejects.toThrow("no, thank you");
      expect(
        await app.read(find("gone"), find("_scheduled_functions"), {
          op: "ledger",
          kind: "query",
          steps: [find("gone")],
        }),
      ).toEqual([[], [], [[]]]);
    },
  );

  conforms("a transaction sees its own writes", MUTATIONS, async () => {
    const [, , found, , gone] = await app.mutate(
      insert("items", { ...row, group: "own" }, "it"),
      patch("@it", { rank: 2 }),
      find("items", {
        index: "by_group_rank",
        range: [["eq", "group", "own"]],
      }),
      remove("@it"),
      get("@it"),
    );
    expect(found).toMatchObject([{ rank: 2 }]);
    expect(gone).toBeNull();
  });

  conforms("others see its writes all at once", OCC, async () => {
    const before = await app.read(find("pairs"));
    await app.mutate(insert("pairs", { n: 1 }), insert("pairs", { n: 2 }));
    const [after] = await app.read(find("pairs"));
    expect([before[0].length, after.length]).toEqual([0, 2]);
  });

  conforms(
    "patch sets the fields it names, replaces nested objects whole, and removes undefined ones",
    WRITING,
    async () => {
      const [id] = await app.mutate(
        insert("anything", { a: 1, b: { c: 1, d: 2 }, e: 3 }),
      );
      await app.mutate(patch(id, { b: { c: 9 } }), {
        op: "unset",
        id,
        field: "e",
      });
      const [{ _id, _creationTime, ...fields }] = await app.read(get(id));
      expect(fields).toEqual({ a: 1, b: { c: 9 } });
    },
  );

  conforms("replace drops the fields it does not name", WRITING, async () => {
    const [id] = await app.mutate(insert("anything", { a: 1, b: 2 }));
    const [before] = await app.read(get(id));
    await app.mutate(replace(id, { c: 3 }));
    const [{ _id, _creationTime, ...fields }] = await app.read(get(id));
    expect(fields).toEqual({ c: 3 });
    expect([_id, _creationTime]).toEqual([id, before._creationTime]);
  });

  conforms(
    "system fields may be repeated in a replace, not changed",
    backend("crates/common/src/document.rs"),
    async () => {
      const [id] = await app.mutate(insert("anything", { a: 1 }));
      const [document] = await app.read(get(id));
      await app.mutate(replace(id, { ...document, a: 2 }));
      expect(await app.read(get(id))).toEqual([{ ...document, a: 2 }]);
      const [{ error }] = await app.mutate(
        attempt(replace(id, { ...document, _creationTime: 5 })),
      );
      expect(error).toContain("doesn't match '_creationTime' field");
    },
  );

  for (const [what, step, message] of [
    [
      "patch",
      (id: string) => patch(id, { a: 1 }),
      "Update on nonexistent document ID",
    ],
    [
      "replace",
      (id: string) => replace(id, { a: 1 }),
      "Replace on nonexistent document ID",
    ],
    ["delete", (id: string) => remove(id), "Delete on nonexistent document ID"],
  ] as const) {
    conforms(
      `to ${what} what is gone is an error that can be caught`,
      backend("crates/database/src/transaction.rs"),
      async () => {
        const [id] = await app.mutate(insert("anything", { a: 1 }));
        const [, { error }] = await app.mutate(remove(id), attempt(step(id)));
        expect(error).toContain(`${message} ${id}`);
      },
    );
  }

  conforms(
    "an error in a nested mutation undoes its writes, the caller's stay",
    SUB_TRANSACTIONS,
    async () => {
      const [before, { error }, after] = await app.mutate(
        insert("kept", { n: 1 }),
        attempt(nested(insert("kept", { n: 2 }), fail("inside"))),
        insert("kept", { n: 3 }),
      );
      expect(error).toContain("Uncaught Error: inside");
      const [kept] = await app.read(find("kept"));
      expect(kept.map((each: any) => each._id)).toEqual([before, after]);
    },
  );

  conforms(
    "what a nested mutation scheduled goes with it",
    WRITES,
    async () => {
      const [, ids] = await app.mutate(
        attempt(nested({ op: "schedule", delayMs: 1e9 }, fail())),
        find("_scheduled_functions"),
      );
      expect(ids).toEqual([]);
    },
  );

  conforms(
    "an inner rollback inside an outer commit, and the other way round",
    WRITES,
    async () => {
      await app.mutate(
        nested(
          insert("layers", { n: "outer" }),
          attempt(nested(insert("layers", { n: "inner, undone" }), fail())),
        ),
        attempt(
          nested(
            insert("layers", { n: "outer, undone" }),
            nested(insert("layers", { n: "inner, undone with it" })),
            fail(),
          ),
        ),
      );
      const [layers] = await app.read(find("layers"));
      expect(layers.map(({ n }: any) => n)).toEqual(["outer"]);
    },
  );

  conforms(
    "a rollback restores what the caller had written before",
    WRITES,
    async () => {
      const [, , , seen] = await app.mutate(
        insert("anything", { n: 1 }, "it"),
        patch("@it", { n: 2 }),
        attempt(
          nested(
            // Names do not travel: the nested call finds it by looking.
            find("anything", { order: "desc", end: "first" }),
            fail(),
          ),
        ),
        get("@it"),
      );
      expect(seen).toMatchObject({ n: 2 });
      const [id] = await app.mutate(insert("anything", { n: 1 }));
      const [, again] = await app.mutate(
        attempt(nested(patch(id, { n: 2 }), remove(id), fail())),
        get(id),
      );
      expect(again).toMatchObject({ n: 1 });
    },
  );

  conforms(
    "nested calls see what their caller has written, and show it what they wrote",
    SUB_TRANSACTIONS,
    async () => {
      const results = await app.mutate(
        insert("shared", { n: 1 }),
        nestedQuery(find("shared")),
        nested(insert("shared", { n: 2 })),
        find("shared"),
      );
      expect(results[1][0]).toMatchObject([{ n: 1 }]);
      expect(results[3]).toMatchObject([{ n: 1 }, { n: 2 }]);
    },
  );

  conforms(
    "an error in a component's mutation that is caught undoes the component's writes only",
    docs("components/using"),
    async () => {
      await app.mutate(
        insert("border", { n: "app" }),
        attempt(inLedger(insert("border", { n: "ledger" }), fail())),
      );
      const [own, [theirs]] = await app.read(find("border"), {
        op: "ledger",
        kind: "query",
        steps: [find("border")],
      });
      expect([own.length, theirs.length]).toEqual([1, 0]);
    },
  );

  conforms(
    "nested calls made side by side run one after the other",
    backend("crates/isolate/src/environment/udf/async_syscall.rs"),
    async () => {
      expect(
        await app.client.mutation(api.transactions.sideBySide, {
          name: "side by side",
        }),
      ).toEqual([1, 2, 3]);
    },
  );

  conforms(
    "what nobody awaited still happens before the commit",
    backend("crates/isolate/src/environment/udf/mod.rs"),
    async () => {
      await app.client.mutation(api.transactions.withoutAwait, {
        name: "loose",
      });
      expect(await count("loose")).toEqual([7]);
      expect(await count("loose nested")).toEqual([1]);
    },
  );

  conforms(
    "a top-level mutation with an invalid return value commits nothing",
    docs("functions/validation"),
    async () => {
      await expect(
        app.client.mutation(api.transactions.misreturn, { name: "misreturn" }),
      ).rejects.toThrow("ReturnsValidationError");
      expect(await count("misreturn")).toEqual([]);
    },
  );

  conforms(
    "a nested one's return value is checked after its writes joined the caller's",
    backend("crates/isolate/src/environment/udf/async_syscall.rs"),
    async () => {
      const message: string = await app.client.mutation(
        api.transactions.catchMisreturn,
        { name: "caught" },
      );
      expect(message).toContain("ReturnsValidationError");
      expect(await count("caught")).toEqual([0]);
    },
  );

  conforms(
    "one level deeper, such an error undoes them",
    backend("crates/isolate/src/environment/udf/async_syscall.rs"),
    async () => {
      await app.client.mutation(api.transactions.catchRethrown, {
        name: "deeper",
      });
      expect(await count("deeper")).toEqual([]);
    },
  );

  conforms(
    "queries cannot call mutations",
    docs("functions/query-functions"),
    async () => {
      await expect(
        app.client.query(api.transactions.queryThatMutates, {}),
      ).rejects.toThrow();
      expect(await count("from a query")).toEqual([]);
    },
  );

  // Races, seen by clients.

  conforms("racing mutations end up one after the other", OCC, async () => {
    const answers = await Promise.all(
      // One of those that race commits each time: nobody loses more than four times.
      Array.from({ length: 5 }, () =>
        app.client.mutation(
          api.transactions.increment,
          { name: "raced" },
          { skipQueue: true },
        ),
      ),
    );
    expect(answers.sort()).toEqual([1, 2, 3, 4, 5]);
  });

  conforms(
    "who lost a race is run again on the newest state, and only that run leaves its lines",
    OCC,
    async () => {
      const lines: string[] = [];
      const log = (...args: unknown[]) => lines.push(args.join(" "));
      const client = new ConvexHttpClient(app.url, {
        logger: { log, warn: log, error: log, logVerbose() {} } as any,
      });
      const running = client.mutation(api.transactions.heldIncrement, {
        name: "again",
      });
      await clock.held();
      await app.client.mutation(api.transactions.increment, { name: "again" });
      clock.release();
      await clock.held();
      clock.release();
      expect(await running).toBe(2);
      expect(await count("again")).toEqual([2]);
      expect(lines.filter((line) => line.includes("'attempt'"))).toHaveLength(
        1,
      );
    },
  );

  conforms(
    "who loses five times is told so",
    backend("crates/common/src/knobs.rs"),
    async () => {
      const client = new ConvexHttpClient(app.url, { logger: false });
      const running = client.mutation(api.transactions.heldIncrement, {
        name: "unlucky",
      });
      const outcome = running.then(
        () => "done",
        (error: Error) => error.message,
      );
      for (let lost = 0; lost < 5; lost++) {
        await clock.held();
        await app.client.mutation(api.transactions.increment, {
          name: "unlucky",
        });
        clock.release();
      }
      expect(await outcome).toContain("OptimisticConcurrencyControlFailure");
      expect(await count("unlucky")).toEqual([5]);
    },
  );

  // Stale snapshots.

  conforms(
    "a stale read shows the snapshot the mutation began with, without its own writes",
    npm("convex src/server/registration.ts (useStaleSnapshot)"),
    async () => {
      const client = new ConvexHttpClient(app.url, { logger: false });
      const running = client.mutation(api.script.held, {
        steps: [insert("stale", { n: 2 }), stale(find("stale"))],
      });
      await clock.held();
      await app.mutate(insert("stale", { n: 1 }));
      clock.release();
      expect((await running)[1]).toEqual([[]]);
    },
  );

  conforms(
    "a stale read sees everything committed before the mutation began",
    npm("convex src/server/registration.ts (useStaleSnapshot)"),
    async () => {
      const [id] = await app.mutate(insert("anything", { n: "before" }));
      expect(await app.mutate(stale(get(id)))).toMatchObject([
        [{ n: "before" }],
      ]);
    },
  );

  // Time and chance.

  conforms(
    "time stands still for a transaction and all it calls, chance does not repeat",
    RUNTIME,
    async () => {
      const looks: { now: number; random: number; uuid: string }[] =
        await app.client.mutation(api.transactions.clocksAndDice, {});
      expect(new Set(looks.map(({ now }) => now)).size).toBe(1);
      expect(new Set(looks.map(({ random }) => random)).size).toBe(3);
      expect(new Set(looks.map(({ uuid }) => uuid)).size).toBe(3);
    },
  );

  conforms(
    "creation times grow with every insert",
    backend("crates/common/src/document.rs"),
    async () => {
      const first: number[] = await app.client.mutation(
        api.transactions.insertMany,
        { count: 20 },
      );
      const second: number[] = await app.client.mutation(
        api.transactions.insertMany,
        { count: 20 },
      );
      const times = [...first, ...second];
      expect(new Set(times).size).toBe(40);
      expect([...times].sort((a, b) => a - b)).toEqual(times);
    },
  );

  conforms(
    "a transaction can ask what it has used and what it may still use",
    npm("convex src/server/meta.ts"),
    async () => {
      const metrics = await app.client.mutation(api.transactions.metrics, {});
      expect(metrics).toMatchObject({
        documentsWritten: { used: 1, remaining: 15_999 },
        documentsRead: { used: 2, remaining: 31_998 },
        databaseQueries: { used: 1, remaining: 4_095 },
        functionsScheduled: { used: 1, remaining: 999 },
      });
    },
  );

  conforms(
    "a nested call may have a smaller budget; when it is used up its writes are undone",
    npm("convex src/server/registration.ts (transactionLimits)"),
    async () => {
      const message: string = await app.client.mutation(
        api.transactions.onBudget,
        { documentsWritten: 3, inserts: 4 },
      );
      expect(message).toContain(
        "Too many writes in a single function execution",
      );
      expect(await count("after the limit")).toEqual([0]);
      expect(
        await app.client.mutation(api.transactions.onBudget, {
          documentsWritten: 3,
          inserts: 3,
        }),
      ).toBe("done");
    },
  );
});

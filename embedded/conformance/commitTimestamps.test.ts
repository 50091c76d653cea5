/** The timestamp of a commit, and where it can be used before it is known. */
import { ConvexHttpClient } from "convex/browser";
import { describe, expect } from "vitest";
import { get, insert } from "./app/shared/steps.js";
import { conforms, docs, npm } from "./harness/case.js";
import { api, useDeployment } from "./harness/deployment.js";
import { HOLD, HoldingClock } from "./harness/holdingClock.js";

const clock = new HoldingClock();
const app = useDeployment({
  clock,
  latency: { slowMutationsMs: { "script:held": HOLD } },
});

const STAMPS = docs("database/advanced/commit-timestamp");

describe("Commit timestamps", () => {
  conforms(
    "are placeholders in the transaction and int64s once it has committed",
    STAMPS,
    async () => {
      const answer = await app.client.mutation(api.stamps.stampTwice, {
        label: "int64",
      });
      const stamps = await app.client.query(api.stamps.list, {
        label: "int64",
      });
      expect(stamps.map(({ at }: any) => typeof at)).toEqual([
        "bigint",
        "bigint",
      ]);
      expect(answer.typeBefore).not.toBe("bigint");
      expect(answer.at).toBe(stamps[0].at);
    },
  );

  conforms(
    "are the same for all documents of a transaction",
    STAMPS,
    async () => {
      await app.client.mutation(api.stamps.stampTwice, { label: "same" });
      const [a, b] = await app.client.query(api.stamps.list, { label: "same" });
      expect(a.at).toBe(b.at);
    },
  );

  conforms(
    "lie behind everything else before they are known",
    STAMPS,
    async () => {
      await app.client.mutation(api.stamps.stampTwice, { label: "earlier" });
      const { last } = await app.client.mutation(api.stamps.stampTwice, {
        label: "later",
      });
      expect(last).toEqual(["later", "later"]);
    },
  );

  conforms("are in the order of commits, not of begins", STAMPS, async () => {
    const client = new ConvexHttpClient(app.url, { logger: false });
    const running = client.mutation(api.script.held, {
      steps: [{ op: "stamp", label: "began first" }],
    });
    await clock.held();
    await app.mutate({ op: "stamp", label: "committed first" });
    clock.release();
    await running;
    const labels = (await app.client.query(api.stamps.list, {})).map(
      ({ label }: any) => label,
    );
    expect(labels.slice(-2)).toEqual(["committed first", "began first"]);
  });

  conforms(
    "are of the clock of snapshots: a later snapshot is not before them",
    npm("convex src/server/meta.ts (getSnapshotTs)"),
    async () => {
      const before: bigint = await app.client.query(api.stamps.snapshot, {});
      await app.mutate({ op: "stamp", label: "between" });
      const after: bigint = await app.client.query(api.stamps.snapshot, {});
      const [{ at }] = await app.client.query(api.stamps.list, {
        label: "between",
      });
      expect(at > before && at <= after).toBe(true);
    },
  );

  conforms("are nanoseconds since the epoch", STAMPS, async () => {
    await app.mutate({ op: "stamp", label: "nanoseconds" });
    const [{ at, _creationTime }] = await app.client.query(api.stamps.list, {
      label: "nanoseconds",
    });
    expect(Math.abs(Number(at) / 1e6 - _creationTime)).toBeLessThan(60_000);
  });

  conforms("travel into nested mutations and back", STAMPS, async () => {
    const at = await app.client.mutation(api.stamps.passDown, {
      label: "passed down",
    });
    const [stamp] = await app.client.query(api.stamps.list, {
      label: "passed down",
    });
    expect(stamp.at).toBe(at);
  });

  conforms("may lie deep inside a document", STAMPS, async () => {
    const [id] = await app.mutate(insert("anything", {}));
    await app.client.mutation(api.stamps.patchIn, { id });
    const [{ value }] = await app.read(get(id));
    expect(value).toEqual([1, { at: expect.any(BigInt) }]);
  });

  conforms("are no arguments for scheduled functions", STAMPS, async () => {
    await expect(
      app.client.mutation(api.stamps.schedule, {}),
    ).rejects.toThrow();
    expect(
      await app.client.query(api.stamps.list, { label: "scheduled" }),
    ).toEqual([]);
  });
});

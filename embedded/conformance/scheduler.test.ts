/** Scheduled functions: when they run, how often, and what their rows say. */
import { ConvexClient } from "convex/browser";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { watch } from "../test/sync/events.js";
import { backend, conforms, docs } from "./harness/case.js";
import { api, useDeployment } from "./harness/deployment.js";
import { useGate } from "./harness/gate.js";

const app = useDeployment();
const gate = useGate();
let watcher: ConvexClient;
beforeAll(() => {
  watcher = new ConvexClient(app.url, { logger: false });
});
afterAll(() => watcher.close());

const SCHEDULING = docs("scheduling/scheduled-functions");
const EXECUTOR = backend("crates/application/src/scheduled_jobs/mod.rs");
const MODEL = backend("crates/model/src/scheduled_jobs/mod.rs");

interface Job {
  _id: string;
  name: string;
  args: unknown[];
  scheduledTime: number;
  completedTime?: number;
  state: { kind: string; error?: string };
}

const schedule = (
  name: string,
  args: object,
  when: { delayMs?: number; at?: number } = {},
): Promise<string> =>
  app.client.mutation(api.jobs.schedule, { name, args, ...when });

const jobOf = (id: string): Promise<Job> =>
  app.client.query(api.jobs.job, { id });
const notes = (about?: string): Promise<string[]> =>
  app.client.query(api.jobs.notes, { about });

/** The job's row once it is in one of these states. */
async function reached(id: string, ...kinds: string[]): Promise<Job> {
  const row = watch<Job>(watcher, api.jobs.job, { id });
  await row.until(({ latest }) => kinds.includes(latest?.state.kind ?? ""));
  row.stop();
  return row.latest!;
}
const ended = (id: string) => reached(id, "success", "failed", "canceled");

describe("Scheduled functions", () => {
  conforms(
    "a row tells function, arguments and time before it runs",
    SCHEDULING,
    async () => {
      const at = Date.now() + 1e8;
      const id = await schedule("note", { text: "later" }, { at });
      expect(await jobOf(id)).toEqual({
        _id: id,
        _creationTime: expect.any(Number),
        name: "jobs.js:note",
        args: [{ text: "later" }],
        scheduledTime: at,
        state: { kind: "pending" },
      });
    },
  );

  conforms(
    "arguments may be deeper than a document",
    backend("crates/model/src/scheduled_jobs/types.rs"),
    async () => {
      let deep: unknown = "inside";
      for (let level = 0; level < 50; level++) deep = [deep];
      // What is scheduled schedules with the same value once more.
      const inner = { name: "note", args: { text: deep }, delayMs: 1e8 };
      const job = await ended(await schedule("schedule", inner));
      expect(job.state).toEqual({ kind: "success" });
      expect(job.args).toEqual([inner]);
    },
  );

  conforms(
    "a mutation runs once and its row ends with success",
    SCHEDULING,
    async () => {
      const id = await schedule("note", { text: "once" });
      const job = await ended(id);
      expect(job.state).toEqual({ kind: "success" });
      expect(job.completedTime).toBeGreaterThanOrEqual(job.scheduledTime);
      expect(await notes("once")).toEqual(["once"]);
    },
  );

  conforms("a time in the past means now", SCHEDULING, async () => {
    const id = await schedule(
      "note",
      { text: "past" },
      { at: Date.now() - 60_000 },
    );
    expect((await ended(id)).state.kind).toBe("success");
  });

  conforms(
    "a delay counts from the transaction's time",
    SCHEDULING,
    async () => {
      const id = await schedule("note", { text: "delayed" }, { delayMs: 1e9 });
      const { scheduledTime, ...job } = (await jobOf(id)) as any;
      expect(Math.abs(scheduledTime - job._creationTime - 1e9)).toBeLessThan(
        60_000,
      );
    },
  );

  conforms(
    "what was scheduled earlier for the same time starts earlier",
    EXECUTOR,
    async () => {
      const at = Date.now() + 50;
      const texts = ["order 1", "order 2", "order 3"];
      const ids: string[] = [];
      for (const text of texts)
        ids.push(await schedule("note", { text }, { at }));
      for (const id of ids) await ended(id);
      expect(await notes("order")).toEqual(texts);
    },
  );

  conforms("does not exist when its scheduler fails", SCHEDULING, async () => {
    const before: Job[] = await app.client.query(api.jobs.jobs, {
      kind: "pending",
    });
    const failed = await schedule("noteAndThrow", { text: "atomic" });
    const job = await ended(failed);
    expect(job.state.kind).toBe("failed");
    const after: Job[] = await app.client.query(api.jobs.jobs, {
      kind: "pending",
    });
    expect(after.map(({ _id }) => _id)).toEqual(before.map(({ _id }) => _id));
    expect(await notes("atomic")).toEqual([]);
  });

  conforms(
    "a mutation that throws is failed with its error, and not tried again",
    SCHEDULING,
    async () => {
      const job = await ended(
        await schedule("noteAndThrow", { text: "refusal" }),
      );
      expect(job.state.error).toContain("did not like refusal");
      expect(await notes("refusal")).toEqual([]);
    },
  );

  conforms(
    "arguments are validated when it runs, not when it is scheduled",
    EXECUTOR,
    async () => {
      const job = await ended(await schedule("note", { words: "wrong" }));
      expect(job.state).toMatchObject({
        kind: "failed",
        error: expect.stringContaining("ArgumentValidationError"),
      });
    },
  );

  conforms(
    "mutations that race are repeated until each has happened once",
    SCHEDULING,
    async () => {
      const ids: string[] = await app.client.mutation(api.jobs.scheduleMany, {
        name: "append",
        args: Array.from({ length: 20 }, () => ({ text: "append" })),
        delayMs: 0,
      });
      for (const id of ids)
        expect((await ended(id)).state.kind).toBe("success");
      const written = await notes("append");
      expect(written).toHaveLength(20);
      expect(new Set(written).size).toBe(20);
    },
  );

  conforms("a mutation sees its own row in progress", EXECUTOR, async () => {
    await ended(await schedule("lookAtSelf", {}));
    expect(await notes("I am")).toEqual(["I am inProgress"]);
  });

  conforms(
    "a scheduled function may schedule the next one",
    SCHEDULING,
    async () => {
      const all = watch<string[]>(watcher, api.jobs.notes, {
        about: "count down",
      });
      await schedule("countDown", { text: "count down", left: 3 });
      await all.until(({ latest }) => latest?.length === 4);
      expect(all.latest).toEqual([
        "count down 3",
        "count down 2",
        "count down 1",
        "count down 0",
      ]);
      all.stop();
    },
  );

  conforms("it runs as nobody", SCHEDULING, async () => {
    await ended(await schedule("whoAmI", {}));
    expect(await notes("identity")).toEqual(["identity null"]);
  });

  conforms(
    "an action is in progress while it runs, then done",
    SCHEDULING,
    async () => {
      const id = await schedule("wait", {
        url: gate.url("progress"),
        text: "went through",
      });
      await gate.arrived("progress");
      expect((await jobOf(id)).state).toEqual({ kind: "inProgress" });
      gate.open("progress");
      expect((await ended(id)).state).toEqual({ kind: "success" });
      expect(await notes("went through")).toEqual(["went through"]);
    },
  );

  conforms(
    "an action that throws is failed and not tried again; what it did stays",
    SCHEDULING,
    async () => {
      const scheduled = watch<string[]>(watcher, api.jobs.notes, {
        about: "half done",
      });
      const job = await ended(
        await schedule("failAfterNote", { text: "half done" }),
      );
      expect(job.state).toMatchObject({
        kind: "failed",
        error: expect.stringContaining('{"text":"half done"}'),
      });
      await scheduled.until(({ latest }) => latest?.length === 2);
      expect(scheduled.latest).toEqual(["half done", "half done, scheduled"]);
      scheduled.stop();
    },
  );

  conforms(
    "what an action schedules does not hang on its outcome",
    SCHEDULING,
    async () => {
      await expect(
        app.client.action(api.jobs.scheduleFromAction, {
          text: "from an action",
        }),
      ).rejects.toThrow("failed after all");
      const [text] = await notes("from an action ");
      const [, , , kept, dropped] = text!.split(" ");
      expect((await ended(kept!)).state.kind).toBe("success");
      expect((await jobOf(dropped!)).state.kind).toBe("canceled");
    },
  );

  conforms(
    "the time may be a Date",
    docs("api/interfaces/server.Scheduler"),
    async () => {
      const at = Date.now() + 1e8;
      const id: string = await app.client.mutation(api.jobs.scheduleAtDate, {
        at,
      });
      expect((await jobOf(id)).scheduledTime).toBe(at);
    },
  );

  // Canceling.

  conforms("canceled while pending, it never runs", SCHEDULING, async () => {
    const id = await schedule("note", { text: "canceled" }, { delayMs: 1e8 });
    await app.client.mutation(api.jobs.cancel, { id });
    const job = await jobOf(id);
    expect(job.state).toEqual({ kind: "canceled" });
    expect(job.completedTime).toEqual(expect.any(Number));
  });

  conforms(
    "scheduled and canceled in one transaction, it never runs",
    SCHEDULING,
    async () => {
      const id: string = await app.client.mutation(
        api.jobs.scheduleAndCancel,
        {},
      );
      expect((await jobOf(id)).state.kind).toBe("canceled");
      await ended(await schedule("note", { text: "behind it" }));
      expect(await notes("never")).toEqual([]);
    },
  );

  conforms("canceled when it is done, nothing changes", MODEL, async () => {
    const id = await schedule("note", { text: "done" });
    const before = await ended(id);
    await app.client.mutation(api.jobs.cancel, { id });
    expect(await jobOf(id)).toEqual(before);
  });

  conforms(
    "canceled by itself, a mutation goes on and succeeds (before npm 1.50)",
    backend("crates/isolate/src/environment/udf/async_syscall.rs"),
    async () => {
      const id = await schedule("cancelSelf", { text: "canceled itself" });
      expect((await ended(id)).state.kind).toBe("success");
      expect(await notes("canceled itself")).toEqual(["canceled itself"]);
    },
  );

  conforms(
    "canceled while it runs, an action goes on, but what it schedules is canceled from the start",
    SCHEDULING,
    async () => {
      const id = await schedule("waitThenSchedule", {
        url: gate.url("canceled"),
        text: "unstoppable",
      });
      await gate.arrived("canceled");
      await app.client.mutation(api.jobs.cancel, { id });
      gate.open("canceled");
      const all = watch<string[]>(watcher, api.jobs.notes, {
        about: "unstoppable",
      });
      await all.until(({ latest }) => latest?.length === 1);
      const ids = JSON.parse(
        all.latest![0]!.slice("unstoppable ".length),
      ) as string[];
      for (const scheduled of ids) {
        expect((await jobOf(scheduled)).state.kind).toBe("canceled");
      }
      expect((await jobOf(id)).state.kind).toBe("canceled");
      all.stop();
    },
  );

  for (const [how, message, source] of [
    ["more than five years ahead", "is more than 5 years in the future", MODEL],
    ["a function that is not there", "nowhere", EXECUTOR],
    [
      "in the past by a delay",
      "`delayMs` must be non-negative",
      docs("api/interfaces/server.Scheduler"),
    ],
    [
      "after no number",
      "`delayMs` must be a finite number",
      docs("api/interfaces/server.Scheduler"),
    ],
    [
      "cancel what is no id",
      "Invalid argument `id` for `db.cancel_job`: Unable to decode ID",
      backend("crates/isolate/src/environment/udf/async_syscall.rs"),
    ],
    [
      "cancel a document",
      "Invalid scheduled function ID. The ID must be an ID on the '_scheduled_functions' table.",
      MODEL,
    ],
  ] as const) {
    conforms(`${how}: refused at once`, source, async () => {
      await expect(
        app.client.mutation(api.jobs.misuse, { how }),
      ).rejects.toThrow(message);
    });
  }

  conforms(
    "a query that was scheduled fails when its time comes",
    EXECUTOR,
    async () => {
      const job = await ended(await schedule("aQuery", {}));
      expect(job.state.kind).toBe("failed");
    },
  );
});

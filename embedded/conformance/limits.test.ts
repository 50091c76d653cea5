/** Limits: as much as Convex allows is allowed, one more is refused in its words. */
import { ConvexHttpClient } from "convex/browser";
import { beforeAll, describe, expect } from "vitest";
import { backend, conforms, docs } from "./harness/case.js";
import { api, useDeployment } from "./harness/deployment.js";
import { useGate } from "./harness/gate.js";

const app = useDeployment({
  limits: { concurrency: { actions: 2 }, actionPermitWaitMs: 1 },
});
const gate = useGate();

const LIMITS = docs("production/state/limits");
const READS = backend("crates/database/src/reads.rs");
const WRITES = backend("crates/database/src/writes.rs");
const JOBS = backend("crates/model/src/scheduled_jobs/mod.rs");

const write = (table: string, count: number, bytes = 0): Promise<null> =>
  app.client.mutation(api.limits.write, { table, count, bytes });
const read = (table: string, count: number): Promise<number> =>
  app.client.query(api.limits.read, { table, count });

describe("Limits", () => {
  beforeAll(async () => {
    await write("many", 16_000);
    await write("many", 16_000);
    await write("many", 1);
    await write("large", 15, 1_000_000);
    await write("large", 2, 1_000_000);
  });

  conforms("32,000 documents can be read, not one more", READS, async () => {
    expect(await read("many", 32_000)).toBe(32_000);
    await expect(read("many", 32_001)).rejects.toThrow(
      "Too many documents read in a single function execution (limit: 32000).",
    );
  });

  conforms("16 MiB can be read, not more", READS, async () => {
    expect(await read("large", 16)).toBe(16);
    await expect(read("large", 17)).rejects.toThrow(
      "Too many bytes read in a single function execution (limit: 16777216 bytes).",
    );
  });

  conforms("who caught the limit may not read on", READS, async () => {
    const messages: string[] = await app.client.query(
      api.limits.readTooMuchTwice,
      { table: "large", count: 17 },
    );
    expect(messages).toHaveLength(2);
  });

  conforms("4,096 ranges can be read, not one more", READS, async () => {
    const readOneByOne = (times: number) =>
      app.client.query(api.limits.readOneByOne, { times });
    expect(await readOneByOne(4_096)).toBe(4_096);
    await expect(readOneByOne(4_097)).rejects.toThrow(
      "Too many reads in a single function execution (limit: 4096).",
    );
  });

  conforms(
    "16,000 documents can be written, not one more",
    WRITES,
    async () => {
      await expect(write("over", 16_001)).rejects.toThrow(
        "Too many writes in a single function execution (limit: 16000)",
      );
      expect(await read("over", 1)).toBe(0);
    },
  );

  conforms("16 MiB can be written, not more", WRITES, async () => {
    await write("heavy", 16, 1_000_000);
    await expect(write("heavier", 17, 1_000_000)).rejects.toThrow(
      "Too many bytes written in a single function execution (limit: 16 MiB)",
    );
  });

  conforms("1,000 functions can be scheduled, not one more", JOBS, async () => {
    await app.client.mutation(api.limits.schedule, { count: 1_000 });
    await expect(
      app.client.mutation(api.limits.schedule, { count: 1_001 }),
    ).rejects.toThrow(
      "Too many functions scheduled by this mutation (limit: 1000)",
    );
  });

  conforms("16 MiB of arguments can be scheduled, not more", JOBS, async () => {
    const schedule = (count: number) =>
      app.client.mutation(api.limits.scheduleLarge, {
        count,
        bytes: 1_000_000,
      });
    await schedule(16);
    await expect(schedule(17)).rejects.toThrow(
      "Too large total size of the arguments of scheduled functions from this mutation (limit: 16777216 bytes)",
    );
  });

  conforms("arguments may have 16 MiB, not more", LIMITS, async () => {
    const passOn = (bytes: number) =>
      app.client.action(api.limits.passOn, { bytes });
    expect(await passOn(16_000_000)).toBe(16_000_000);
    await expect(passOn(17_000_000)).rejects.toThrow(
      /Arguments for limits\.js:take are too large \(actual: 16\.21 MiB, limit: 16 MiB\)/,
    );
  });

  conforms(
    "a result may have 16 MiB, not more",
    backend("crates/isolate/src/helpers.rs"),
    async () => {
      const give = (bytes: number) =>
        app.client.query(api.limits.give, { bytes });
      expect(await give(16_000_000)).toHaveLength(16_000_000);
      await expect(give(17_000_000)).rejects.toThrow(
        /Function limits\.js:give return value is too large \(actual: 16\.21 MiB, limit: 16 MiB\)/,
      );
    },
  );

  conforms(
    "calls nest eight levels deep, not nine",
    backend("crates/isolate/src/environment/udf/async_syscall.rs"),
    async () => {
      const deep = (levels: number) =>
        app.client.query(api.limits.deep, { levels });
      expect(await deep(8)).toBe(8);
      await expect(deep(9)).rejects.toThrow(
        "Cross component call depth limit exceeded. Do you have an infinite loop in your app?",
      );
    },
  );

  conforms(
    "a query that spins is interrupted after a second",
    LIMITS,
    async () => {
      await expect(app.client.query(api.limits.spin, {})).rejects.toThrow(
        "Function execution timed out (maximum duration: 1s)",
      );
    },
  );

  conforms(
    "of a call's log lines 256 are kept, the last one says so",
    LIMITS,
    async () => {
      const lines = await logged({ lines: 300, length: 1 });
      expect(lines).toHaveLength(256);
      expect(lines.at(-1)).toContain(
        "Log overflow (maximum 256). Remaining log lines omitted.",
      );
    },
  );

  conforms(
    "a log line is cut behind 32,768 characters, and says so",
    backend("crates/common/src/log_lines.rs"),
    async () => {
      const [line] = await logged({ lines: 1, length: 40_000 });
      expect(line).toContain("xxx (truncated due to length)");
      expect(line!.match(/x+/)![0].length).toBeLessThanOrEqual(32_768);
    },
  );

  conforms(
    "actions beyond the class's number wait, and are refused in the end",
    LIMITS,
    async () => {
      const running = ["one", "two"].map((name) =>
        app.client.action(api.limits.wait, { url: gate.url(name) }),
      );
      await Promise.all([gate.arrived("one"), gate.arrived("two")]);
      await expect(
        app.client.action(api.limits.wait, { url: gate.url("three") }),
      ).rejects.toThrow("TooManyConcurrentRequests");
      gate.open("one");
      gate.open("two");
      await Promise.all(running);
    },
  );
});

async function logged(args: {
  lines: number;
  length: number;
}): Promise<string[]> {
  const lines: string[] = [];
  const log = (...parts: unknown[]) => lines.push(parts.join(" "));
  const client = new ConvexHttpClient(app.url, {
    logger: { log, warn: log, error: log, logVerbose() {} } as any,
  });
  await client.query(api.limits.log, args);
  return lines;
}

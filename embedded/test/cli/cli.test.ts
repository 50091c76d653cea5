import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startDeployment, type Deployment } from "../../src/index.js";
import {
  appDirectory,
  AS_IS,
  convex,
  deployApp,
  deployDirectory,
  type CliResult,
} from "./convex.js";

/** Copies of apps are made here, where their imports resolve. */
const APPS = fileURLToPath(new URL("../apps/", import.meta.url));

let deployment: Deployment;
let copy: string;

function run(...args: string[]): Promise<CliResult> {
  return convex(copy, args, deployment);
}

async function ok(...args: string[]): Promise<CliResult> {
  const result = await run(...args);
  if (result.code !== 0) throw new Error(result.stderr);
  return result;
}

async function edit(
  file: string,
  change: (text: string) => string,
): Promise<void> {
  const path = join(copy, file);
  await writeFile(path, change(await readFile(path, "utf8")));
}

beforeAll(async () => {
  deployment = await startDeployment();
  copy = await mkdtemp(join(APPS, ".copy-"));
  await cp(appDirectory("basic"), copy, { recursive: true });
  await deployApp("basic", deployment);
}, 60_000);

afterAll(async () => {
  await deployment.close();
  await rm(copy, { recursive: true });
});

describe("convex run", () => {
  test("calls any kind of function, internal ones too", async () => {
    await ok("run", "messages:send", '{"channel":"run","body":"one"}');
    await ok("run", "messages:sendInternal", '{"channel":"run","body":"two"}');
    await ok(
      "run",
      "messages:sendThroughAction",
      '{"channel":"run","body":"3"}',
    );
    const { stdout } = await ok("run", "messages:list", '{"channel":"run"}');
    expect(JSON.parse(stdout)).toEqual(["one", "two", "3"]);
  }, 30_000);

  test("names the functions there are when there is no such function", async () => {
    const { code, stderr } = await run("run", "messages:lost");
    expect(code).toBe(1);
    expect(stderr).toContain("Could not find function");
    expect(stderr).toContain("messages:list");
  }, 30_000);

  test("is refused with a wrong key", async () => {
    const { code, stderr } = await convex(copy, ["run", "messages:greeting"], {
      url: deployment.url,
      adminKey: "embedded|0000",
    });
    expect(code).toBe(1);
    expect(stderr).toContain("BadDeployKey");
  }, 30_000);

  test("cannot act as a user", async () => {
    const { code, stderr } = await run(
      "run",
      "messages:greeting",
      "--identity",
      '{"name":"me"}',
    );
    expect(code).toBe(1);
    expect(stderr).toContain(
      "The embedded deployment has no user authentication",
    );
  }, 30_000);
});

describe("convex env", () => {
  test("sets, lists, reads and removes variables, and functions see them", async () => {
    await ok("env", "set", "GREETING", "good morning");
    expect((await ok("env", "get", "GREETING")).stdout.trim()).toBe(
      "good morning",
    );
    expect(
      (await ok("env", "list", "--include-values")).stdout.trim(),
    ).toContain("good morning");
    const greeting = await ok("run", "messages:greeting");
    expect(JSON.parse(greeting.stdout)).toBe("good morning");

    await ok("env", "remove", "GREETING");
    const none = await ok("run", "messages:greeting");
    expect(JSON.parse(none.stdout)).toBe("no greeting");
  }, 60_000);

  test("cannot replace what is built in", async () => {
    const { code, stderr } = await run("env", "set", "CONVEX_CLOUD_URL", "x");
    expect(code).toBe(1);
    expect(stderr).toContain("CONVEX_CLOUD_URL");
  }, 30_000);
});

describe("convex data and logs", () => {
  test("show documents, tables and what functions logged", async () => {
    await ok("run", "messages:send", '{"channel":"data","body":"shown"}');
    expect((await ok("data")).stdout.trim()).toBe("messages");
    expect((await ok("data", "messages")).stdout).toContain('"shown"');
  }, 30_000);
});

describe("convex dev --once and deploy", () => {
  test("change the code in force", async () => {
    await edit("convex/messages.ts", (text) =>
      text.replace('"no greeting"', '"another greeting"'),
    );
    await ok("dev", "--once", ...AS_IS);
    const { stdout } = await ok("run", "messages:greeting");
    expect(JSON.parse(stdout)).toBe("another greeting");
  }, 60_000);

  test.each([
    [
      "convex/crons.ts",
      'import { cronJobs } from "convex/server";\nexport default cronJobs();\n',
      "has no cron jobs",
    ],
    [
      "convex/auth.config.ts",
      "export default { providers: [] };\n",
      "has no user authentication",
    ],
    [
      "convex/schema.ts",
      'import { defineSchema, defineTable } from "convex/server";\nimport { v } from "convex/values";\nexport default defineSchema({ notes: defineTable({ text: v.string() }).searchIndex("by_text", { searchField: "text" }) });\n',
      'the search index "by_text" cannot be built',
    ],
  ])(
    "refuse %s by name when it needs what is not here",
    async (file, content, words) => {
      const path = join(copy, file);
      const original = await readFile(path, "utf8").catch(() => null);
      await writeFile(path, content);
      const { code, stderr } = await run("deploy", ...AS_IS);
      if (original === null) await rm(path);
      else await writeFile(path, original);
      expect(code).toBe(1);
      expect(stderr).toContain(words);
    },
    60_000,
  );

  test("keep what did not change: only edited modules are sent", async () => {
    await deployDirectory(copy, deployment);
    await edit("convex/http.ts", (text) => `${text}\n// changed\n`);
    await deployDirectory(copy, deployment);
    const { stdout } = await ok("run", "messages:list", '{"channel":"run"}');
    expect(JSON.parse(stdout)).toEqual(["one", "two", "3"]);
  }, 60_000);
});

describe("convex codegen", () => {
  test("with --component-dir writes a component's types", async () => {
    const project = await mkdtemp(join(APPS, ".copy-"));
    try {
      await cp(appDirectory("components"), project, { recursive: true });
      const { code, stderr } = await convex(
        project,
        ["codegen", "--component-dir", "counter", "--typecheck", "disable"],
        deployment,
      );
      expect({ code, stderr }).toMatchObject({ code: 0 });
      const generated = await readFile(
        join(project, "counter/_generated/component.ts"),
        "utf8",
      );
      expect(generated).toMatch(
        /increment: FunctionReference<\s*"mutation",\s*"internal",\s*\{ name: string \},\s*number/,
      );
      expect(generated).not.toContain("hidden");
      // Looking at a component deploys nothing.
      await ok("run", "messages:greeting");
    } finally {
      await rm(project, { recursive: true });
    }
  }, 60_000);

  test("writes an app's types", async () => {
    await ok("codegen", "--typecheck", "disable");
    const generated = await readFile(
      join(copy, "convex/_generated/api.d.ts"),
      "utf8",
    );
    expect(generated).toContain("typeof messages");
  }, 60_000);
});

import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { ConvexError } from "convex/values";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { startDeployment, type Deployment } from "../../src/index.js";
import { deployApp } from "../cli/convex.js";

// Bundling and processes take their time on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const api = anyApi as any;
let deployment: Deployment;
let client: ConvexHttpClient;

beforeAll(async () => {
  deployment = await startDeployment();
  await deployApp("basic", deployment);
  client = new ConvexHttpClient(deployment.url, { logger: false });
}, 60_000);

afterAll(() => deployment.close());

async function post(
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: any; headers: Headers }> {
  const response = await fetch(`${deployment.url}${path}`, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
  });
  return {
    status: response.status,
    body: await response.json(),
    headers: response.headers,
  };
}

describe("ConvexHttpClient", () => {
  test("runs queries, mutations and actions", async () => {
    const args = { channel: "http", body: "one" };
    expect(typeof (await client.mutation(api.messages.send, args))).toBe(
      "string",
    );
    expect(await client.action(api.messages.sendThroughAction, args)).toBe(
      "sent one",
    );
    expect(await client.query(api.messages.list, { channel: "http" })).toEqual([
      "one",
      "one",
    ]);
  });

  test("gets the data of a ConvexError", async () => {
    const error = await client
      .query(api.messages.failing, {})
      .catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ConvexError);
    expect((error as ConvexError<any>).data).toEqual({
      code: "BROKEN",
      at: 7n,
    });
  });

  test("is given the log lines of what it calls", async () => {
    const { body } = await post("/api/mutation", {
      path: "messages:send",
      format: "convex_encoded_json",
      args: [{ channel: "log", body: "hello" }],
    });
    expect(body.logLines).toEqual(["[LOG] 'sending' 'hello'"]);
  });

  test("asks several queries at one point in time", async () => {
    const channel = "consistent";
    const past = new ConvexHttpClient(deployment.url, { logger: false });
    expect(await past.consistentQuery(api.messages.list, { channel })).toEqual(
      [],
    );
    await client.mutation(api.messages.send, { channel, body: "new" });
    expect(await past.consistentQuery(api.messages.list, { channel })).toEqual(
      [],
    );
    expect(await client.query(api.messages.list, { channel })).toEqual(["new"]);
  });

  test("that sends a user's token is told that there is no authentication", async () => {
    const user = new ConvexHttpClient(deployment.url, {
      logger: false,
      auth: "a.b.c",
    });
    await expect(user.query(api.messages.greeting, {})).rejects.toThrow(
      "The embedded deployment has no user authentication",
    );
  });
});

describe("the API", () => {
  test("answers plain JSON to those who are no Convex client", async () => {
    const { body } = await post("/api/query", {
      path: "messages:failing",
      args: {},
    });
    expect(body).toMatchObject({
      status: "error",
      errorData: { code: "BROKEN", at: "7" },
    });
  });

  test("finds functions by their URL", async () => {
    const { body } = await post("/api/run/messages/greeting", { args: {} });
    expect(body).toMatchObject({ status: "success", value: "no greeting" });
    const got = await fetch(
      `${deployment.url}/api/query?path=messages:greeting&args=%7B%7D`,
    );
    expect(await got.json()).toMatchObject({ value: "no greeting" });
  });

  test("runs a batch of queries at one timestamp", async () => {
    const greeting = { path: "messages:greeting", args: {} };
    const { body } = await post("/api/query_batch", {
      queries: [greeting, { path: "messages:nope", args: {} }],
    });
    expect(body.results).toMatchObject([
      { status: "success" },
      { status: "error" },
    ]);
  });

  test.each([
    ["{", "InvalidJson"],
    ["[]", "InvalidBody"],
    ['{"path":7,"args":{}}', "InvalidFunctionPath"],
    ['{"path":"a b","args":{}}', "InvalidFunctionPath"],
    ['{"path":"messages:list","args":[{},{}]}', "InvalidArguments"],
    ['{"path":"messages:list","args":{},"format":"xml"}', "InvalidFormat"],
  ])("answers %s with the code %s", async (sent, code) => {
    const { status, body } = await post("/api/query", sent);
    expect(status).toBe(400);
    expect(body).toEqual({ code, message: expect.any(String) });
  });

  test("answers 401 to a wrong key, whatever is asked", async () => {
    const headers = { authorization: "Convex embedded|0000" };
    for (const path of [
      "/api/query",
      "/api/deploy2/start_push",
      "/api/update_environment_variables",
    ]) {
      const { status, body } = await post(
        path,
        { path: "messages:greeting", args: {} },
        headers,
      );
      expect(status).toBe(401);
      expect(body.code).toBe("BadDeployKey");
    }
  });

  test("keeps what administers it to those with the key", async () => {
    for (const path of [
      "/api/get_config_hashes",
      "/api/deploy2/start_push",
      "/api/deploy2/finish_push",
      "/api/update_environment_variables",
    ]) {
      expect((await post(path, {})).status).toBe(401);
    }
    const logs = await fetch(`${deployment.url}/api/stream_function_logs`);
    expect(logs.status).toBe(401);
  });

  test("does not let clients into components", async () => {
    const { status, body } = await post("/api/function", {
      path: "lib:fn",
      componentPath: "other",
      args: {},
    });
    expect(status).toBe(403);
    expect(body.message).toContain("Only admin");
  });

  test("may be called from any page", async () => {
    const preflight = await fetch(`${deployment.url}/api/query`, {
      method: "OPTIONS",
      headers: {
        origin: "http://localhost:5173",
        "access-control-request-method": "POST",
        "access-control-request-headers": "convex-client,content-type",
      },
    });
    expect(preflight.status).toBe(200);
    expect(preflight.headers.get("access-control-allow-origin")).toBe(
      "http://localhost:5173",
    );
    expect(preflight.headers.get("access-control-allow-headers")).toBe(
      "convex-client,content-type",
    );
    const { headers } = await post(
      "/api/query",
      { path: "messages:greeting", args: {} },
      { origin: "http://localhost:5173" },
    );
    expect(headers.get("access-control-allow-origin")).toBe(
      "http://localhost:5173",
    );
  });

  test("says by name what it does not have", async () => {
    const { status, body } = await post("/api/export/request/zip", {});
    expect(status).toBe(400);
    expect(body.message).toContain("does not have snapshot export");
    expect((await post("/api/nonsense", {})).status).toBe(404);
  });
});

describe("the function log", () => {
  const admin = () => ({ authorization: `Convex ${deployment.adminKey}` });
  const logs = async (cursor: number) => {
    const response = await fetch(
      `${deployment.url}/api/stream_function_logs?cursor=${cursor}`,
      { headers: admin() },
    );
    return (await response.json()) as {
      entries: { identifier: string }[];
      newCursor: number;
    };
  };

  test("holds a request until there is something to tell", async () => {
    const { newCursor } = await logs(0);
    const next = logs(newCursor);
    await client.mutation(api.messages.send, { channel: "log", body: "next" });
    const { entries } = await next;
    expect(entries[0]).toMatchObject({
      kind: "Progress",
      udfType: "Mutation",
      identifier: "messages:send",
      logLines: [{ messages: ["'sending' 'next'"] }],
    });
  });

  test("tells what failed, also when nobody waited for it", async () => {
    const { newCursor } = await logs(0);
    await client
      .mutation(api.messages.sendLater, {
        channel: 7 as unknown as string,
        body: "",
        delayMs: 0,
      })
      .catch(() => {});
    const { entries } = await logs(newCursor);
    expect(entries).toMatchObject([
      {
        kind: "Completion",
        identifier: "messages:sendLater",
        error: expect.stringContaining("ArgumentValidationError"),
      },
    ]);

    await client.mutation(api.messages.crashLater, {});
    const failures: unknown[] = [];
    for (let cursor = newCursor; failures.length === 0;) {
      const page = await logs(cursor);
      cursor = page.newCursor;
      failures.push(
        ...page.entries.filter(
          ({ identifier }) => identifier === "messages:crash",
        ),
      );
    }
    expect(failures).toMatchObject([
      { udfType: "Mutation", error: expect.stringContaining("went wrong") },
    ]);
  });
});

describe("the site", () => {
  test("runs HTTP actions with their status, headers and body", async () => {
    const response = await fetch(`${deployment.siteUrl}/messages`, {
      method: "POST",
      body: JSON.stringify({ channel: "site", body: "posted" }),
    });
    expect(response.status).toBe(201);
    expect(response.headers.get("x-from")).toBe("http.ts");
    expect(await response.json()).toEqual({ id: expect.any(String) });
    expect(await client.query(api.messages.list, { channel: "site" })).toEqual([
      "posted",
    ]);
  });

  test("matches prefixes, and answers HEAD without a body", async () => {
    const url = `${deployment.siteUrl}/echo/some/where`;
    expect(await (await fetch(url)).text()).toBe("/echo/some/where");
    const head = await fetch(url, { method: "HEAD" });
    expect(head.status).toBe(200);
    expect(await head.text()).toBe("");
  });

  test("has nothing else", async () => {
    for (const path of ["/", "/api/query", "/version", "/messages"]) {
      expect((await fetch(`${deployment.siteUrl}${path}`)).status).toBe(404);
    }
  });

  test("refuses a body of more than 20 MiB", async () => {
    const response = await fetch(`${deployment.siteUrl}/messages`, {
      method: "POST",
      body: Buffer.alloc(20 * 1024 * 1024 + 1),
    });
    expect(response.status).toBe(413);
  });
});

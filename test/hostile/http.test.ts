/** What the HTTP endpoints do with requests that no client of Convex would send. */
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Victim } from "./victim.js";

const victim = Victim.forThisFile();

const FUNCTION_ROUTES = [
  "/api/query",
  "/api/mutation",
  "/api/action",
  "/api/function",
  "/api/query_at_ts",
  "/api/query_batch",
  "/api/run/notes/echo",
];
const DEPLOY_ROUTES = [
  "/api/check_admin_key",
  "/api/get_config_hashes",
  "/api/deploy2/start_push",
  "/api/deploy2/evaluate_push",
  "/api/deploy2/evaluate_schema",
  "/api/deploy2/wait_for_schema",
  "/api/deploy2/finish_push",
  "/api/deploy2/report_push_completed",
  "/api/update_environment_variables",
  "/api/v1/update_environment_variables",
];
const GET_ROUTES = [
  "/api/v1/get_canonical_urls",
  "/api/v1/list_environment_variables",
  "/api/stream_function_logs",
  "/api/stream_udf_execution",
];

const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
const echo = (args: string) => `{"path":"notes:echo","args":${args}}`;

describe("bodies that are no request", () => {
  test.each([
    ["nothing", "", "InvalidJson"],
    ["half a JSON text", '{"path":"notes:count"', "InvalidJson"],
    ["two JSON texts", "{}{}", "InvalidJson"],
    ["a byte order mark and nothing else", "\ufeff", "InvalidJson"],
    ["a number", "7", "InvalidBody"],
    ["null", "null", "InvalidBody"],
    ["a list", "[]", "InvalidBody"],
    ["no path", "{}", "InvalidFunctionPath"],
    [
      "a path that is a list",
      '{"path":["notes:count"]}',
      "InvalidFunctionPath",
    ],
    ["an empty path", '{"path":""}', "InvalidFunctionPath"],
    [
      "a path with a line break",
      '{"path":"notes:co\\nunt"}',
      "InvalidFunctionPath",
    ],
    [
      "arguments in two objects",
      '{"path":"notes:echo","args":[{},{}]}',
      "InvalidArguments",
    ],
    ["arguments that are a string", echo('"x"'), "InvalidArguments"],
    [
      "an unknown format",
      '{"path":"notes:count","args":{},"format":"xml"}',
      "InvalidFormat",
    ],
    [
      "a path in 100,000 brackets",
      `{"path":${nested(100_000)}}`,
      "InvalidFunctionPath",
    ],
    [
      "arguments in 100,000 brackets",
      echo(nested(100_000)),
      "InvalidArguments",
    ],
    [
      "a format in 100,000 brackets",
      `{"path":"notes:count","args":{},"format":${nested(100_000)}}`,
      "InvalidFormat",
    ],
  ])("%s: 400, and why", async (_, body, code) => {
    const answer = await victim().post("/api/query", body);
    expect(answer).toMatchObject({
      status: 400,
      body: { code, message: expect.stringMatching(/^.{10,600}$/s) },
    });
  });

  test.each([
    ["100,000 brackets", `{"x":${nested(100_000)}}`],
    [
      "100,000 objects in each other",
      '{"x":'.repeat(100_000) + "1" + "}".repeat(100_000),
    ],
    ["65 lists in each other", `{"x":${nested(65)}}`],
    ["a field that starts with $", '{"x":{"$y":1}}'],
    ["an int64 that is none", '{"x":{"$integer":"AAA"}}'],
    ["bytes that are no base64", '{"x":{"$bytes":"*"}}'],
    ["a float that is none", '{"x":{"$float":7}}'],
    ["a list of 8,193", `{"x":[${Array(8_193).fill(0)}]}`],
    [
      "an object of 1,025 fields",
      `{"x":{${Array.from({ length: 1_025 }, (_, i) => `"f${i}":0`)}}}`,
    ],
    ["a field named with 1,025 letters", `{"x":{"${"f".repeat(1_025)}":0}}`],
    ["17 MiB", `{"x":"${"y".repeat(17 << 20)}"}`],
  ])("arguments of %s: refused as a value", async (_, args) => {
    const { status, body } = await victim().post("/api/query", echo(args));
    expect([200, 400]).toContain(status);
    const said: string = body.errorMessage ?? body.message;
    expect(said).toMatch(/^.{10,1000}$/s);
    expect(said).not.toMatch(/Server Error|call stack/);
  });

  test("fields that every object inherits are fields like others", async () => {
    const args = '{"__proto__":1,"constructor":2,"toString":3}';
    const { body } = await victim().post("/api/query", echo(args));
    expect(body).toMatchObject({
      status: expect.stringMatching(/error|success/),
    });
    expect(({} as any).x).toBeUndefined();
  });

  test.each([
    "__proto__:toString",
    "constructor:constructor",
    "notes:__proto__",
    "notes:constructor",
    "../notes:count",
    "_system/x:y",
    "notes:count:count",
  ])("there is no function %s", async (path) => {
    for (const route of [
      "/api/query",
      "/api/mutation",
      "/api/action",
      "/api/function",
    ]) {
      const { status, body } = await victim().post(route, { path, args: {} });
      expect([200, 400]).toContain(status);
      expect(body.errorMessage ?? body.message).toMatch(
        /Could not find|not the path/,
      );
    }
  });

  test("bad UTF-8 becomes replacement characters, or is no JSON", async () => {
    const [before, after] = ['{"path":"notes:echo","args":{"x":"', '"}}'];
    const bytes = Buffer.concat([
      Buffer.from(before!),
      Buffer.from([0xff, 0xc0, 0x80, 0xed, 0xa0, 0x80]),
      Buffer.from(after!),
    ]);
    const { status, body } = await victim().post("/api/query", bytes);
    expect(status).toBe(200);
    expect(body.value.x).toMatch(/^\ufffd+$/);
    const broken = await victim().post("/api/query", Buffer.from([0xc3, 0x28]));
    expect(broken).toMatchObject({
      status: 400,
      body: { code: "InvalidJson" },
    });
  });
});

describe("bodies that are too long", () => {
  const LIMIT = 100 * 1024 * 1024;

  test("one that says so is refused before it is read", async () => {
    const answer = await victim().raw(
      `POST /api/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${LIMIT + 1}\r\n\r\n{`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    expect(answer).toContain("RequestTooLarge");
  });

  test.each(["br", "gzip"])(
    "a bomb in %s is refused when it has unfolded too far",
    async (encoding) => {
      const zeros = Buffer.alloc(LIMIT + 1);
      const bomb =
        encoding === "br"
          ? brotliCompressSync(zeros, {
              params: { [constants.BROTLI_PARAM_QUALITY]: 1 },
            })
          : gzipSync(zeros, { level: 1 });
      expect(bomb.length).toBeLessThan(1_000_000);
      const answer = await victim().post("/api/deploy2/start_push", bomb, {
        "content-encoding": encoding,
      });
      expect(answer).toMatchObject({
        status: 413,
        body: { code: "RequestTooLarge" },
      });
    },
  );

  test.each(["br", "gzip", "deflate"])(
    "what is no %s is refused",
    async (encoding) => {
      const answer = await victim().post("/api/query", "{}", {
        "content-encoding": encoding,
      });
      expect(answer).toMatchObject({
        status: 400,
        body: { code: "InvalidBody" },
      });
    },
  );

  test("encodings in encodings are refused by name", async () => {
    const answer = await victim().post("/api/query", "{}", {
      "content-encoding": "gzip, br",
    });
    expect(answer).toMatchObject({
      status: 415,
      body: { message: expect.stringContaining("gzip, br") },
    });
  });

  test("a batch of 1,001 queries is refused", async () => {
    const queries = Array.from({ length: 1_001 }, () => ({
      path: "notes:count",
      args: {},
    }));
    const answer = await victim().post("/api/query_batch", { queries });
    expect(answer).toMatchObject({
      status: 400,
      body: { message: expect.stringMatching(/1000.*1001/s) },
    });
  });
});

describe("requests that are hardly HTTP", () => {
  const request = (line: string, ...headers: string[]) =>
    [line, "Host: localhost", "Connection: close", ...headers, "", ""].join(
      "\r\n",
    );

  test.each([
    ["a target that is no URL", request("GET //[ HTTP/1.1")],
    [
      "a target with a bad escape",
      request("POST /api/run/%zz/%f HTTP/1.1", "Content-Length: 2") + "{}",
    ],
    [
      "a host that is no name",
      request("GET / HTTP/1.1").replace("localhost", "a b:c:d"),
    ],
    ["no host", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n"],
    [
      "two lengths",
      request(
        "POST /api/query HTTP/1.1",
        "Content-Length: 2",
        "Content-Length: 3",
      ) + "{} ",
    ],
    [
      "a length and chunks",
      request(
        "POST /api/query HTTP/1.1",
        "Content-Length: 2",
        "Transfer-Encoding: chunked",
      ) + "0\r\n\r\n",
    ],
    [
      "chunks of a negative size",
      request("POST /api/query HTTP/1.1", "Transfer-Encoding: chunked") +
        "-1\r\n{}\r\n0\r\n\r\n",
    ],
    [
      "headers of 20 kB",
      request("GET / HTTP/1.1", `X-Long: ${"x".repeat(20_000)}`),
    ],
    ["a TLS greeting", Buffer.from("16030100f1010000ed0303", "hex")],
    ["noise", "\0\x01\x02\r\n\r\n"],
  ])("%s: a refusal", async (_, bytes) => {
    expect(await victim().raw(bytes)).toMatch(/^HTTP\/1.1 4\d\d /);
    expect(await victim().raw(bytes, victim().deployment.siteUrl)).toMatch(
      /^HTTP\/1.1 4\d\d /,
    );
  });

  test.each(["TRACE", "OPTIONS", "PURGE", "HEAD", "PATCH"])(
    "%s of anything: a refusal",
    async (method) => {
      const { url, siteUrl } = victim().deployment;
      for (const each of [url, siteUrl]) {
        expect(
          await victim().raw(request(`${method} /api/query HTTP/1.1`), each),
        ).toMatch(/^HTTP\/1.1 4\d\d /);
      }
    },
  );

  test("a scheme of the client's own making does not reach the app", async () => {
    const { siteUrl } = victim().deployment;
    const { body } = await victim().fetch(`${siteUrl}/url`, {
      headers: { "x-forwarded-proto": "javascript" },
    });
    expect(body).toBe(`${siteUrl}/url`);
  });

  test("clients that leave in the middle of a request are not missed", async () => {
    for (const bytes of [
      "POST /api/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
      "GET /api/nonsense HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      "GET /api/sync HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      `${request("GET /api/sync HTTP/1.1")}`,
    ]) {
      for (let i = 0; i < 20; i++) {
        const socket = await victim().connect();
        socket.write(bytes);
        socket.resetAndDestroy();
      }
    }
  });
});

describe("wrong keys", () => {
  const key = () => victim().deployment.adminKey;

  test.each<[string, (key: string) => string]>([
    ["no scheme", (key) => key],
    ["another scheme", (key) => `Basic ${key}`],
    ["a user's", (key) => `Bearer ${key}`],
    ["the secret without the name", (key) => `Convex ${key.split("|")[1]}`],
    ["cut short", (key) => `Convex ${key.slice(0, -1)}`],
    ["with something behind it", (key) => `Convex ${key}0`],
    ["acting as a user", (key) => `Convex ${key}:eyJuYW1lIjoiYWRhIn0=`],
    ["another one", () => `Convex embedded|${"0".repeat(64)}`],
    ["a long one", () => `Convex ${"x".repeat(8_000)}`],
    ["an empty one", () => "Convex "],
  ])("%s: 401 everywhere, and the key is not repeated", async (_, header) => {
    const headers = { authorization: header(key()) };
    for (const route of [...FUNCTION_ROUTES, ...DEPLOY_ROUTES]) {
      const { status } = await victim().post(
        route,
        {
          path: "notes:echo",
          args: {},
          queries: [{ path: "notes:count" }],
          ts: "AAAAAAAAAAA=",
        },
        headers,
      );
      expect([route, status]).toEqual([route, 401]);
    }
    for (const route of GET_ROUTES) {
      const { status } = await victim().fetch(
        `${victim().deployment.url}${route}`,
        { headers },
      );
      expect([route, status]).toEqual([route, 401]);
    }
  });

  test("the key in a body that is not quite JSON is not repeated", async () => {
    for (const body of [
      `{"adminKey":"${key()}",}`,
      `{"adminKey":"${key()}`,
      `${key()}`,
      `{"adminKey":${key()}}`,
    ]) {
      const answer = await victim().post("/api/deploy2/start_push", body);
      expect(answer).toMatchObject({
        status: 400,
        body: { code: "InvalidJson" },
      });
    }
  });

  test("values of environment variables are not repeated", async () => {
    const { body } = await victim().post(
      "/api/update_environment_variables",
      { changes: [{ name: 7, value: "hunter2" }] },
      victim().admin,
    );
    expect(body.message).not.toContain("hunter2");
  });

  test.each(["x", "", "-1", "NaN", "1e999"])(
    "a log cursor %j is refused, or is one",
    async (cursor) => {
      const { status, body } = await victim().fetch(
        `${victim().deployment.url}/api/stream_function_logs?cursor=${cursor}`,
        { headers: victim().admin, signal: AbortSignal.timeout(5_000) },
      );
      if (status === 200) expect(body.newCursor).toEqual(expect.any(Number));
      else expect(body.message).toContain("cursor");
    },
  );
});

describe("whatever JSON is sent", () => {
  const anyJson = fc.oneof(
    fc.jsonValue({ maxDepth: 5 }),
    fc.record(
      {
        path: fc.oneof(
          fc.constantFrom("notes:echo", "notes:add", "notes:count"),
          fc.string(),
        ),
        args: fc.oneof(
          fc.jsonValue({ maxDepth: 3 }),
          fc.array(fc.dictionary(fc.string(), fc.jsonValue()), {
            maxLength: 1,
          }),
        ),
        format: fc.constantFrom("json", "convex_encoded_json", null, 1),
        componentPath: fc.oneof(
          fc.constantFrom("workpool", "", "nope", "__proto__", null),
          fc.jsonValue(),
        ),
        ts: fc.oneof(fc.constant("AAAAAAAAAAA="), fc.jsonValue()),
        queries: fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue())),
        changes: fc.oneof(
          fc.jsonValue(),
          fc.array(fc.record({ name: fc.string(), value: fc.jsonValue() })),
        ),
        functions: fc.constant("convex/"),
        appDefinition: fc.jsonValue(),
        componentDefinitions: fc.array(fc.jsonValue()),
        nodeDependencies: fc.array(fc.jsonValue()),
        startPush: fc.record({
          schemaChange: fc.record({ pushId: fc.jsonValue() }),
        }),
        schemaChange: fc.record({ pushId: fc.jsonValue() }),
      },
      { requiredKeys: [] },
    ),
  );

  test.each([false, true])(
    "the answer is one a client can understand (with the key: %s)",
    async (isAdmin) => {
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...FUNCTION_ROUTES, ...DEPLOY_ROUTES),
          anyJson,
          async (route, body) => {
            const { status, body: answer } = await victim().post(
              route,
              body,
              isAdmin ? victim().admin : {},
            );
            expect([200, 400, 401, 403, 404]).toContain(status);
            if (status !== 200) {
              expect(answer).toEqual({
                code: expect.any(String),
                message: expect.any(String),
              });
            }
            expect(
              victim().log.filter((line) => line.includes("Internal error")),
            ).toEqual([]);
          },
        ),
        { numRuns: 400 },
      );
    },
  );
});

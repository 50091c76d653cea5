/** What the sync endpoint does with messages that no client of Convex would send. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { Victim } from "./victim.js";

const victim = Victim.forThisFile();

const connect = {
  type: "Connect",
  sessionId: "00000000-0000-0000-0000-000000000000",
};
const add = (queryId: number, rest: object = {}) => ({
  type: "Add",
  queryId,
  udfPath: "notes:echo",
  args: [{}],
  ...rest,
});
const modify = (
  modifications: unknown,
  baseVersion: unknown = 0,
  newVersion: unknown = 1,
) => ({
  type: "ModifyQuerySet",
  baseVersion,
  newVersion,
  modifications,
});
const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

describe("messages that are none", () => {
  test.each<[string, string | object]>([
    ["nothing", ""],
    ["half a JSON text", '{"type":'],
    ["null", "null"],
    ["a list", "[]"],
    ["no type", {}],
    ["an unknown type", { type: "Explode" }],
    ["a type that objects inherit", { type: "constructor" }],
    ["a type in 100,000 brackets", `{"type":${nested(100_000)}}`],
    ["a greeting without a session", { type: "Connect" }],
    [
      "an observed timestamp that is none",
      { ...connect, maxObservedTimestamp: "AAA" },
    ],
    [
      "a negative request id",
      { type: "Mutation", requestId: -1, udfPath: "notes:add", args: [{}] },
    ],
    [
      "a request id of 2³²",
      {
        type: "Mutation",
        requestId: 2 ** 32,
        udfPath: "notes:add",
        args: [{}],
      },
    ],
    ["no path", { type: "Action", requestId: 1, args: [{}] }],
    [
      "two argument objects",
      { type: "Mutation", requestId: 1, udfPath: "notes:add", args: [{}, {}] },
    ],
    [
      "arguments in 100,000 brackets",
      `{"type":"Mutation","requestId":1,"udfPath":"notes:add","args":${nested(100_000)}}`,
    ],
    ["modifications that are no list", modify({})],
    ["a modification that is none", modify([null])],
    ["an unknown modification", modify([{ type: "Explode" }])],
    ["a base version from nowhere", modify([], 7, 8)],
    ["a query twice", modify([add(1), add(1)])],
    [
      "the removal of a query that is not there",
      modify([{ type: "Remove", queryId: 1 }]),
    ],
    [
      "10,001 queries",
      modify(Array.from({ length: 10_001 }, (_, index) => add(index))),
    ],
    [
      "a token of an unknown type",
      { type: "Authenticate", tokenType: "Root", value: "", baseVersion: 0 },
    ],
  ])("%s: told why, and closed", async (_, message) => {
    const { messages } = await victim().sync(connect, message);
    const last = messages.at(-1);
    expect(last).toEqual({
      type: "FatalError",
      error: expect.stringMatching(/^.{10,600}$/s),
    });
  });

  test.each<[string, object]>([
    ["a version that does not grow", modify([], 0, 0)],
    [
      "a timestamp from the future",
      { ...connect, maxObservedTimestamp: "/////////38=" },
    ],
    [
      "an identity of another version",
      { type: "Authenticate", tokenType: "None", baseVersion: 3 },
    ],
  ])("%s: closed", async (_, message) => {
    expect((await victim().sync(message)).code).toBe(1011);
    victim().log.length = 0;
  });
});

describe("frames that are none", () => {
  test("binary ones are refused", async () => {
    expect(await victim().sync({ binary: Buffer.from("{}") })).toMatchObject({
      code: 1011,
    });
  });

  test("bad UTF-8 is refused", async () => {
    expect(await victim().sync(Buffer.from([0xc3, 0x28]))).toMatchObject({
      code: 1007,
    });
  });

  test("one of more than 64 MiB is refused", async () => {
    expect(
      await victim().sync(Buffer.alloc(64 * 1024 * 1024 + 1, 32)),
    ).toMatchObject({ code: 1009 });
  });

  /** Frames as they are, masked with zeros. */
  const frame = (first: number, payload: Buffer, length = payload.length) => {
    const head =
      length < 126
        ? Buffer.from([first, 0x80 | length])
        : Buffer.from([
            first,
            0x80 | 127,
            ...Buffer.from(length.toString(16).padStart(16, "0"), "hex"),
          ]);
    return Buffer.concat([head, Buffer.alloc(4), payload]);
  };

  test.each<[string, Buffer]>([
    [
      "compressed, though that was not agreed",
      frame(0xc1, Buffer.from("aabb", "hex")),
    ],
    ["of a reserved kind", frame(0x83, Buffer.from("{}"))],
    ["not masked", Buffer.from([0x81, 0x02, 0x7b, 0x7d])],
    ["a continuation of nothing", frame(0x80, Buffer.from("{}"))],
    [
      "a ping of 200 bytes",
      Buffer.concat([Buffer.from([0x89, 0xfe, 0x00, 0xc8]), Buffer.alloc(204)]),
    ],
    ["that announces 2⁶² bytes", frame(0x81, Buffer.from("{}"), 2 ** 62)],
    ["no frame", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
  ])("one that is %s ends the connection", async (_, bytes) => {
    const handshake = [
      "GET /api/sync HTTP/1.1",
      "Host: localhost",
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
      // An offer to compress, with which a small frame could unfold to a large one.
      "Sec-WebSocket-Extensions: permessage-deflate",
      "",
      "",
    ].join("\r\n");
    const answer = await victim().raw(
      Buffer.concat([Buffer.from(handshake), bytes]),
    );
    expect(answer).toMatch(/^HTTP\/1.1 101 /);
    expect(answer).not.toContain("permessage-deflate");
  });

  test.each([
    ["no key", ["Sec-WebSocket-Version: 13"]],
    [
      "an unknown version",
      [
        "Sec-WebSocket-Version: 99",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
      ],
    ],
    ["another path", []],
  ])("a handshake with %s is refused", async (what, headers) => {
    const path = what === "another path" ? "/api/sink" : "/api/sync";
    const lines = [
      `GET ${path} HTTP/1.1`,
      "Host: localhost",
      "Connection: Upgrade",
      "Upgrade: websocket",
      ...headers,
      "",
      "",
    ];
    expect(await victim().raw(lines.join("\r\n"))).toMatch(/^HTTP\/1.1 4\d\d /);
  });
});

describe("wrong keys", () => {
  test.each<[string, (key: string) => string]>([
    ["another one", () => `embedded|${"0".repeat(64)}`],
    ["the secret without the name", (key) => key.split("|")[1]!],
    ["cut short", (key) => key.slice(0, -1)],
    ["an empty one", () => ""],
  ])("%s: told so, and closed", async (_, value) => {
    const key = value(victim().deployment.adminKey);
    const { messages } = await victim().sync(connect, {
      type: "Authenticate",
      tokenType: "Admin",
      value: key,
      baseVersion: 0,
    });
    expect(messages.at(-1)).toMatchObject({
      type: "AuthError",
      error: expect.stringContaining("invalid"),
    });
  });

  test("without one, nobody gets into components", async () => {
    const socket = new WebSocket(victim().syncUrl);
    const messages: any[] = [];
    const answered = new Promise<void>((resolve) =>
      socket.on("message", (data) => {
        messages.push(JSON.parse(String(data)));
        const told = JSON.stringify(messages).split("Only admin").length - 1;
        if (told === 3) resolve();
      }),
    );
    await new Promise((resolve) => socket.on("open", resolve));
    const call = {
      udfPath: "lib:cancelAll",
      args: [{}],
      componentPath: "workpool",
    };
    for (const message of [
      connect,
      { type: "Mutation", requestId: 1, ...call },
      { type: "Action", requestId: 2, ...call },
      modify([
        add(1, {
          udfPath: "lib:status",
          args: [{ id: "x" }],
          componentPath: "workpool",
        }),
      ]),
    ]) {
      socket.send(JSON.stringify(message));
    }
    await answered;
    socket.close();
    const refusal = expect.stringContaining("Only admin");
    expect(messages).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          type: "MutationResponse",
          success: false,
          result: refusal,
        }),
        expect.objectContaining({
          type: "ActionResponse",
          success: false,
          result: refusal,
        }),
        expect.objectContaining({
          modifications: [expect.objectContaining({ errorMessage: refusal })],
        }),
      ]),
    );
  });
});

test("whatever JSON comes, the session goes on, or ends with a reason", async () => {
  const version = fc.oneof(
    fc.constantFrom(0, 1, 2),
    fc.jsonValue({ maxDepth: 1 }),
  );
  const anyCall = fc.record(
    {
      udfPath: fc.oneof(
        fc.constantFrom("notes:echo", "notes:add", "_system/x:y", "nope"),
        fc.jsonValue({ maxDepth: 1 }),
      ),
      args: fc.oneof(
        fc.jsonValue({ maxDepth: 2 }),
        fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 1 }),
      ),
      componentPath: fc.constantFrom("workpool", "", "nope", null, 7),
      journal: fc.constantFrom(null, "[]", "x", 7),
      requestId: version,
      queryId: version,
    },
    { requiredKeys: ["udfPath", "args"] },
  );
  const anyModification = fc
    .tuple(fc.constantFrom("Add", "Remove", "x"), anyCall)
    .map(([type, call]) => ({ type, ...call }));
  const anyMessage = fc.oneof(
    fc.jsonValue(),
    fc
      .tuple(fc.constantFrom("Mutation", "Action"), anyCall)
      .map(([type, call]) => ({ type, ...call })),
    fc.record({
      type: fc.constant("ModifyQuerySet"),
      baseVersion: version,
      newVersion: version,
      modifications: fc.array(anyModification, { maxLength: 3 }),
    }),
    fc.record({
      type: fc.constant("Authenticate"),
      tokenType: fc.constantFrom("Admin", "User", "None", 7),
      value: fc.jsonValue(),
      baseVersion: version,
    }),
    fc.record({
      type: fc.constant("Event"),
      eventType: fc.jsonValue(),
      event: fc.jsonValue(),
    }),
  );
  const end = { type: "the end" };
  await fc.assert(
    fc.asyncProperty(fc.array(anyMessage, { maxLength: 6 }), async (sent) => {
      // The end is no message either, so that the deployment closes in any case.
      const { code, messages } = await victim().sync(
        connect,
        ...sent.map((each) => JSON.stringify(each)),
        end,
      );
      const last = messages.at(-1)?.type;
      expect([code, last]).toEqual(
        code === 1011
          ? [1011, last]
          : [code, expect.stringMatching(/^(Fatal|Auth)Error$/)],
      );
      expect(
        victim().log.filter((line) => line.includes("Internal error")),
      ).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

test("1,000 sockets that say nothing, and 100 that leave in the middle of a frame", async () => {
  const sockets = await Promise.all(
    Array.from({ length: 1_000 }, async () => {
      const socket = new WebSocket(victim().syncUrl);
      await new Promise((resolve, reject) =>
        socket.on("open", resolve).on("error", reject),
      );
      return socket;
    }),
  );
  await victim().expectWell();
  for (const socket of sockets) socket.terminate();
  for (let i = 0; i < 100; i++) {
    const socket = await victim().connect();
    socket.write(
      "GET /api/sync HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n\x81\xfe",
    );
    socket.resetAndDestroy();
  }
});

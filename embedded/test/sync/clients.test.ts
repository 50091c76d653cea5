import { randomUUID } from "node:crypto";
import {
  BaseConvexClient,
  ConvexClient,
  ConvexHttpClient,
} from "convex/browser";
import { ConvexReactClient } from "convex/react";
import { anyApi } from "convex/server";
import { ConvexError } from "convex/values";
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  test,
  vi,
} from "vitest";
import WebSocket from "ws";
import { startDeployment, type Deployment } from "../../src/index.js";
import { deployApp } from "../cli/convex.js";
import { watch } from "./events.js";

// Bundling and processes take their time on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const api = anyApi as any;
let deployment: Deployment;
const clients: { close(): Promise<void> }[] = [];
let channels = 0;

/** Each test has a channel of its own. */
function newChannel(): string {
  channels += 1;
  return `channel ${channels}`;
}

function connect(): ConvexClient {
  const client = new ConvexClient(deployment.url, { logger: false });
  clients.push(client);
  return client;
}

function http(): ConvexHttpClient {
  return new ConvexHttpClient(deployment.url, { logger: false });
}

beforeAll(async () => {
  deployment = await startDeployment();
  await deployApp("basic", deployment);
}, 60_000);

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
});

afterAll(() => deployment.close());

describe("ConvexClient", () => {
  test("sees a subscription change when another client writes", async () => {
    const channel = newChannel();
    const list = watch<string[]>(connect(), api.messages.list, { channel });
    await list.until(({ latest }) => latest?.length === 0);

    await connect().mutation(api.messages.send, { channel, body: "hello" });

    await list.until(({ latest }) => latest?.length === 1);
    expect(list.latest).toEqual(["hello"]);
  });

  test("has the results of its own mutation when the mutation resolves", async () => {
    const channel = newChannel();
    const client = connect();
    const list = watch<string[]>(client, api.messages.list, { channel });
    await list.until(({ results }) => results.length === 1);

    await client.mutation(api.messages.send, { channel, body: "mine" });

    expect(client.disabled).toBe(false);
    expect(
      client.client.localQueryResult("messages:list", { channel }),
    ).toEqual(["mine"]);
  });

  test("is not bothered by writes that its queries do not read", async () => {
    const channel = newChannel();
    const elsewhere = newChannel();
    const client = connect();
    const list = watch<string[]>(client, api.messages.list, { channel });
    await list.until(({ results }) => results.length === 1);
    const calls = () => deployment.stats()["|messages:list"]?.calls;
    const before = calls();

    await client.mutation(api.messages.send, { channel: elsewhere, body: "x" });
    // Its transition has arrived, so a re-run would have happened.
    expect(calls()).toBe(before);

    await client.mutation(api.messages.send, { channel, body: "y" });
    expect(calls()).toBe(before! + 1);
    expect(list.results).toEqual([[], ["y"]]);
  });

  test("shares the run of a query with other clients", async () => {
    const channel = newChannel();
    const lists = [connect(), connect(), connect()].map((client) =>
      watch<string[]>(client, api.messages.list, { channel }),
    );
    await Promise.all(
      lists.map((list) => list.until(({ results }) => results.length === 1)),
    );
    const calls = () => deployment.stats()["|messages:list"]!.calls;
    const before = calls();

    await http().mutation(api.messages.send, { channel, body: "for all" });
    await Promise.all(
      lists.map((list) => list.until(({ latest }) => latest?.length === 1)),
    );

    expect(calls()).toBe(before + 1);
  });

  test("gets the data of a ConvexError from a mutation, and nothing was written", async () => {
    const channel = newChannel();
    const client = connect();
    const failure = await client
      .mutation(api.messages.refuse, { channel })
      .catch((error: unknown) => error);

    expect(failure).toBeInstanceOf(ConvexError);
    expect((failure as ConvexError<any>).data).toEqual({
      code: "FULL",
      channel,
    });
    expect(await client.query(api.messages.list, { channel })).toEqual([]);
  });

  test("gets the data of a ConvexError from a query it watches", async () => {
    const failing = watch(connect(), api.messages.failing, {});
    await failing.until(({ errors }) => errors.length === 1);
    expect((failing.errors[0] as ConvexError<any>).data).toEqual({
      code: "BROKEN",
      at: 7n,
    });
  });

  test("sees the message of any other error, as a development deployment shows it", async () => {
    await expect(connect().mutation(api.messages.crash, {})).rejects.toThrow(
      /Uncaught Error: went wrong/,
    );
  });

  test("is told which argument does not fit", async () => {
    await expect(
      connect().mutation(api.messages.send, { channel: 1, body: "x" }),
    ).rejects.toThrow(/ArgumentValidationError/);
  });

  test("cannot reach internal functions", async () => {
    await expect(
      connect().mutation(api.messages.sendInternal, { channel: "", body: "" }),
    ).rejects.toThrow(
      "Could not find public function for 'messages:sendInternal'",
    );
  });

  test("runs actions, whose writes arrive as updates", async () => {
    const channel = newChannel();
    const client = connect();
    const list = watch<string[]>(client, api.messages.list, { channel });

    const answer = await client.action(api.messages.sendThroughAction, {
      channel,
      body: "from an action",
    });

    expect(answer).toBe("sent from an action");
    await list.until(({ latest }) => latest?.length === 1);
  });

  test("sees what a scheduled function writes", async () => {
    const channel = newChannel();
    const client = connect();
    const list = watch<string[]>(client, api.messages.list, { channel });
    await client.mutation(api.messages.sendLater, {
      channel,
      body: "later",
      delayMs: 0,
    });
    await list.until(({ latest }) => latest?.length === 1);
    expect(list.latest).toEqual(["later"]);
  });

  test("shows an optimistic update until the real result is there", async () => {
    const channel = newChannel();
    const client = connect();
    const list = watch<string[]>(client, api.messages.list, { channel });
    await list.until(({ results }) => results.length === 1);

    await client.mutation(
      api.messages.send,
      { channel, body: "real" },
      {
        optimisticUpdate: (store) =>
          store.setQuery(api.messages.list, { channel }, ["expected"]),
      },
    );

    expect(list.results).toEqual([[], ["expected"], ["real"]]);
  });

  test("receives a result that is too large for one message", async () => {
    const length = 3_000_000;
    const large = watch<string>(connect(), api.messages.large, { length });
    await large.until(({ results }) => results.length === 1);
    expect(large.latest?.length).toBe(length);
  });

  test("is refused when it sends a user's token, with the reason", async () => {
    const messages: string[] = [];
    const client = new ConvexClient(deployment.url, {
      logger: {
        log: (...args: unknown[]) => messages.push(args.join(" ")),
        warn: (...args: unknown[]) => messages.push(args.join(" ")),
        error: (...args: unknown[]) => messages.push(args.join(" ")),
        logVerbose: () => {},
      },
    });
    clients.push(client);
    const authenticated = await new Promise<boolean>((resolve) => {
      client.setAuth(async () => token(), resolve);
    });
    expect(authenticated).toBe(false);
    expect(messages.join("\n")).toContain(
      "The embedded deployment has no user authentication",
    );
  });
});

describe("a connection that is lost", () => {
  /** A WebSocket whose server side can be cut, and whose messages can be held back. */
  function fragileSockets() {
    const sockets: WebSocket[] = [];
    let onMutationSent = () => {};
    class FragileSocket extends WebSocket {
      constructor(url: string) {
        super(url);
        sockets.push(this);
      }
      override send(data: string): void {
        super.send(data);
        if ((JSON.parse(data) as { type: string }).type === "Mutation") {
          onMutationSent();
        }
      }
    }
    return {
      FragileSocket: FragileSocket as unknown as typeof globalThis.WebSocket,
      sockets,
      onceMutationSent(run: () => void) {
        onMutationSent = () => {
          onMutationSent = () => {};
          run();
        };
      },
    };
  }

  test("does not make a mutation run twice", async () => {
    const channel = newChannel();
    const { FragileSocket, sockets, onceMutationSent } = fragileSockets();
    const client = new ConvexClient(deployment.url, {
      webSocketConstructor: FragileSocket,
      logger: false,
    });
    clients.push(client);
    const list = watch<string[]>(client, api.messages.list, { channel });
    await list.until(({ results }) => results.length === 1);

    // The mutation reaches the deployment; its answer finds nobody.
    const committed = new Promise<void>((resolve) => {
      const stop = deployment.database.onCommit((commit) => {
        if (commit.writes.some(({ table }) => table === "messages")) {
          stop();
          resolve();
        }
      });
    });
    const first = sockets[0]!;
    onceMutationSent(() => first.removeAllListeners("message"));
    const sent = client.mutation(api.messages.send, { channel, body: "once" });
    await committed;
    first.terminate();

    await sent;
    expect(sockets.length).toBe(2);
    await list.until(({ latest }) => latest?.length === 1);
    expect(await http().query(api.messages.list, { channel })).toEqual([
      "once",
    ]);
  });

  test("is made up for by a new one that brings what was missed", async () => {
    const channel = newChannel();
    const { FragileSocket, sockets } = fragileSockets();
    const client = new ConvexClient(deployment.url, {
      webSocketConstructor: FragileSocket,
      logger: false,
    });
    clients.push(client);
    const list = watch<string[]>(client, api.messages.list, { channel });
    await list.until(({ results }) => results.length === 1);

    sockets[0]!.terminate();
    await http().mutation(api.messages.send, { channel, body: "missed" });

    await list.until(({ latest }) => latest?.length === 1);
    expect(list.latest).toEqual(["missed"]);
  });
});

describe("ConvexReactClient", () => {
  test("watches queries and runs mutations", async () => {
    const channel = newChannel();
    const client = new ConvexReactClient(deployment.url, {
      webSocketConstructor: WebSocket as unknown as typeof globalThis.WebSocket,
      logger: false,
      unsavedChangesWarning: false,
    });
    clients.push(client);
    const query = client.watchQuery(api.messages.list, { channel });
    await new Promise<void>((resolve) => query.onUpdate(resolve));
    expect(query.localQueryResult()).toEqual([]);

    await client.mutation(api.messages.send, { channel, body: "react" });
    expect(query.localQueryResult()).toEqual(["react"]);
  });

  test("keeps the pages of a paginated query together while it grows", async () => {
    const channel = newChannel();
    const client = connect();
    for (const body of ["a", "b", "c"]) {
      await client.mutation(api.messages.send, { channel, body });
    }
    interface Page {
      page: { body: string }[];
      isDone: boolean;
      continueCursor: string;
    }
    const first = watch<Page>(client, api.messages.page, {
      channel,
      paginationOpts: { cursor: null, numItems: 2 },
    });
    await first.until(({ results }) => results.length === 1);
    const bodies = () => first.latest?.page.map(({ body }) => body);
    expect(bodies()).toEqual(["a", "b"]);
    expect(first.latest?.isDone).toBe(false);

    const rest = watch<Page>(client, api.messages.page, {
      channel,
      paginationOpts: { cursor: first.latest!.continueCursor, numItems: 2 },
    });
    await rest.until(({ results }) => results.length === 1);
    expect(rest.latest?.page.map(({ body }) => body)).toEqual(["c"]);
  });
});

describe("a client that misbehaves", () => {
  /** Sends the messages as they are, and tells what came back until the end. */
  function talk(
    ...messages: unknown[]
  ): Promise<{ received: any[]; code: number; reason: string }> {
    const socket = new WebSocket(
      `${deployment.url.replace("http", "ws")}/api/sync`,
    );
    const received: unknown[] = [];
    socket.on("open", () => {
      for (const message of messages) {
        socket.send(
          typeof message === "string" ? message : JSON.stringify(message),
        );
      }
    });
    socket.on("message", (data: Buffer) =>
      received.push(JSON.parse(data.toString())),
    );
    return new Promise((resolve) =>
      socket.on("close", (code, reason) =>
        resolve({ received, code, reason: reason.toString() }),
      ),
    );
  }
  const CONNECT = {
    type: "Connect",
    sessionId: "00000000-0000-4000-8000-000000000000",
    connectionCount: 0,
    lastCloseReason: null,
    clientTs: 0,
  };

  test("with a wrong base version is ended for good", async () => {
    const { received } = await talk(CONNECT, {
      type: "ModifyQuerySet",
      baseVersion: 7,
      newVersion: 8,
      modifications: [],
    });
    expect(received).toEqual([
      {
        type: "FatalError",
        error:
          "BaseVersionMismatch: Base version 7 passed up doesn't match the current version 0",
      },
    ]);
  });

  test("with something that is no JSON is ended for good", async () => {
    const { received } = await talk(CONNECT, "{");
    expect(received).toMatchObject([
      { type: "FatalError", error: expect.stringContaining("Invalid JSON") },
    ]);
  });

  test("that removes a query it does not have is ended for good", async () => {
    const { received } = await talk(CONNECT, {
      type: "ModifyQuerySet",
      baseVersion: 0,
      newVersion: 1,
      modifications: [{ type: "Remove", queryId: 3 }],
    });
    expect(received).toEqual([
      {
        type: "FatalError",
        error: "InvalidQuerySet: There is no query with the id 3 to remove.",
      },
    ]);
  });

  test("that has seen the future is disconnected, and may try again", async () => {
    const future = Buffer.alloc(8);
    future.writeBigUInt64LE(deployment.database.latestTs + 10n ** 15n);
    const { code, received } = await talk({
      ...CONNECT,
      maxObservedTimestamp: future.toString("base64"),
    });
    expect(received).toEqual([]);
    expect(code).toBe(1011);
  });

  test("with a wrong admin key is told so", async () => {
    const { received } = await talk(CONNECT, {
      type: "Authenticate",
      tokenType: "Admin",
      value: "embedded|0000",
      baseVersion: 0,
    });
    expect(received).toMatchObject([
      { type: "AuthError", authUpdateAttempted: true, baseVersion: 0 },
    ]);
  });

  test("may not name a component without being an admin", async () => {
    // What the CLI uses, with more than its public types say.
    const client: any = new BaseConvexClient(deployment.url, () => {}, {
      webSocketConstructor: WebSocket as unknown as typeof globalThis.WebSocket,
      unsavedChangesWarning: false,
      logger: false,
    });
    clients.push(client);
    const failed = await new Promise((resolve) => {
      const { queryToken } = client.subscribe(
        "messages:list",
        { channel: "" },
        { componentPath: "other" },
      );
      client.addOnTransitionHandler(() => {
        try {
          client.localQueryResultByToken(queryToken);
        } catch (error) {
          resolve(error);
        }
      });
    });
    expect(String(failed)).toContain("Only admin or system users can call");
  });
});

/** A JWT that looks right to the client, each time another; nobody verifies it. */
function token(): string {
  const part = (value: object) =>
    Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  return `${part({ alg: "none" })}.${part({ jti: randomUUID(), iat: now, exp: now + 3600 })}.x`;
}

/** The sync protocol, by the official client and by hand. */
import { randomUUID } from "node:crypto";
import { ConvexClient } from "convex/browser";
import { afterEach, describe, expect } from "vitest";
import WebSocket from "ws";
import { watch } from "../test/sync/events.js";
import { find, insert } from "./app/shared/steps.js";
import { backend, conforms, docs, npm } from "./harness/case.js";
import { api, useDeployment } from "./harness/deployment.js";
import { useGate } from "./harness/gate.js";
import { decodeTs, encodeTs, Socket } from "./harness/socket.js";

const app = useDeployment();
const gate = useGate();

const PROTOCOL = npm("convex src/browser/sync/protocol.ts");
const CLIENT = npm("convex src/browser/sync/client.ts");
const WORKER = backend("crates/sync/src/worker.rs");
const STATE = backend("crates/sync/src/state.rs");
const REALTIME = docs("realtime");

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});
async function connect(hello = {}): Promise<Socket> {
  const socket = await Socket.connect(app.url, hello);
  open.push(socket);
  return socket;
}
function client(options = {}): ConvexClient {
  const made = new ConvexClient(app.url, { logger: false, ...options });
  open.push(made);
  return made;
}

/** A client, and the sockets it opens. */
function clientWithSockets(): { mine: ConvexClient; sockets: WebSocket[] } {
  const sockets: WebSocket[] = [];
  class Watched extends WebSocket {
    constructor(address: string) {
      super(address);
      sockets.push(this);
    }
  }
  const mine = client({ webSocketConstructor: Watched as any });
  return { mine, sockets };
}

const notes = "jobs:notes";
const run = "script:run";
const note = (text: string) => ({ steps: [insert("jobNotes", { text })] });
/** What a transition says of that query; nothing if it is no transition, or silent. */
const valueOf = ({ modifications }: any, queryId: number): any =>
  modifications?.find((each: any) => each.queryId === queryId)?.value;

describe("Sync", () => {
  conforms("the first transition starts from nothing", PROTOCOL, async () => {
    const socket = await connect();
    socket.add(0, notes, { about: "first" });
    const { startVersion, endVersion } = await socket.of("Transition");
    expect(startVersion).toEqual({
      querySet: 0,
      identity: 0,
      ts: encodeTs(0n),
    });
    expect(endVersion).toMatchObject({ querySet: 1, identity: 0 });
    expect(decodeTs(endVersion.ts)).toBeGreaterThan(0n);
  });

  conforms(
    "each transition starts where the one before ended",
    PROTOCOL,
    async () => {
      const socket = await connect();
      socket.add(0, notes, { about: "chain" });
      await socket.changed(0);
      for (const [requestId, text] of [
        "chain a",
        "chain b",
        "chain c",
      ].entries()) {
        socket.mutate(requestId, run, note(text));
        await socket.response(requestId);
      }
      await socket.message((message) => valueOf(message, 0)?.length === 3);
      const { transitions } = socket;
      for (const [i, { startVersion }] of transitions.entries()) {
        if (i > 0) expect(startVersion).toEqual(transitions[i - 1]!.endVersion);
      }
      const stamps = transitions.map(({ endVersion }) =>
        decodeTs(endVersion.ts),
      );
      expect([...stamps].sort((a, b) => (a < b ? -1 : 1))).toEqual(stamps);
    },
  );

  conforms(
    "all queries of a transition are of one point in time",
    REALTIME,
    async () => {
      const socket = await connect();
      socket.modify(
        { type: "Add", queryId: 0, udfPath: notes, args: [{ about: "twin" }] },
        {
          type: "Add",
          queryId: 1,
          udfPath: "script:read",
          args: [{ steps: [find("jobNotes")] }],
        },
      );
      await socket.changed(1);
      for (let i = 0; i < 5; i++) socket.mutate(i, run, note(`twin ${i}`));
      await socket.message((message) => valueOf(message, 0)?.length === 5);
      for (const transition of socket.transitions.slice(1)) {
        const one = valueOf(transition, 0);
        const other = valueOf(transition, 1)?.[0].filter(({ text }: any) =>
          text.startsWith("twin"),
        );
        if (one !== undefined) expect(other).toHaveLength(one.length);
      }
    },
  );

  conforms(
    "a mutation's answer has the timestamp of its commit, and a transition reaches it",
    PROTOCOL,
    async () => {
      const socket = await connect();
      socket.mutate(7, run, note("answered"));
      const response = await socket.response(7);
      expect(response).toMatchObject({
        type: "MutationResponse",
        success: true,
      });
      const { endVersion } = await socket.message(
        ({ type, endVersion }) =>
          type === "Transition" &&
          decodeTs(endVersion.ts) >= decodeTs(response.ts),
      );
      expect(decodeTs(endVersion.ts)).toBeGreaterThanOrEqual(
        decodeTs(response.ts),
      );
    },
  );

  conforms(
    "a result that is the same again is not sent again",
    STATE,
    async () => {
      const socket = await connect();
      socket.add(0, notes, { about: "unchanged" });
      await socket.changed(0);
      socket.mutate(1, run, note("something else"));
      const { ts } = await socket.response(1);
      await socket.message(
        ({ type, endVersion }) =>
          type === "Transition" && decodeTs(endVersion.ts) >= decodeTs(ts),
      );
      const updates = socket.transitions.flatMap(
        ({ modifications }) => modifications,
      );
      expect(updates).toHaveLength(1);
    },
  );

  conforms(
    "a removed query is reported as removed, and is silent from then on",
    STATE,
    async () => {
      const socket = await connect();
      socket.add(0, notes, { about: "removed" });
      await socket.changed(0);
      socket.remove(0);
      const { modifications } = await socket.message(
        ({ endVersion }) => endVersion?.querySet === 2,
      );
      expect(modifications).toEqual([{ type: "QueryRemoved", queryId: 0 }]);
      socket.mutate(1, run, note("removed too late"));
      const { ts } = await socket.response(1);
      const last = await socket.message(
        ({ type, endVersion }) =>
          type === "Transition" && decodeTs(endVersion.ts) >= decodeTs(ts),
      );
      expect(last.modifications).toEqual([]);
    },
  );

  conforms(
    "a query that fails says so, with log lines and data, and may recover",
    PROTOCOL,
    async () => {
      const socket = await connect();
      socket.add(0, "errors:query", { data: { a: 1 } });
      const { modifications } = await socket.changed(0);
      expect(modifications).toMatchObject([
        { type: "QueryFailed", queryId: 0, errorData: { a: 1 } },
      ]);
      expect(modifications[0].errorMessage).toContain("Uncaught ConvexError");
    },
  );

  conforms(
    "mutations of a socket run one after the other, in their order",
    WORKER,
    async () => {
      const socket = await connect();
      for (let i = 0; i < 20; i++)
        socket.mutate(i, "transactions:increment", { name: "sync order" });
      await socket.response(19);
      const results = socket.received
        .filter(({ type }) => type === "MutationResponse")
        .map(({ result }) => result);
      expect(results).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    },
  );

  conforms(
    "actions of a socket run side by side with each other and with mutations",
    WORKER,
    async () => {
      const socket = await connect();
      socket.act(0, "limits:wait", { url: gate.url("slow") });
      await gate.arrived("slow");
      socket.act(1, "actions:inner", {});
      socket.mutate(2, run, note("beside"));
      expect((await socket.response(1)).result).toBe("from inside");
      expect((await socket.response(2)).success).toBe(true);
      gate.open("slow");
      expect((await socket.response(0)).type).toBe("ActionResponse");
    },
  );

  conforms(
    "a mutation that is sent again is answered again, not run again",
    CLIENT,
    async () => {
      const sessionId = randomUUID();
      const args = { name: "resent" };
      const first = await connect({ sessionId });
      first.mutate(0, "transactions:increment", args);
      const answer = await first.response(0);
      first.terminate();
      const second = await connect({ sessionId, connectionCount: 1 });
      second.mutate(0, "transactions:increment", args);
      const again = await second.response(0);
      expect(again).toMatchObject({ success: true, result: 1, ts: answer.ts });
      second.mutate(1, "transactions:increment", args);
      expect((await second.response(1)).result).toBe(2);
    },
  );

  conforms(
    "a mutation that failed and is sent again runs again",
    CLIENT,
    async () => {
      const sessionId = randomUUID();
      const first = await connect({ sessionId });
      first.mutate(0, "errors:mutation", { data: "no" });
      expect(await first.response(0)).toMatchObject({
        success: false,
        errorData: "no",
      });
      const second = await connect({ sessionId, connectionCount: 1 });
      second.mutate(0, "errors:mutation", { data: "no" });
      expect((await second.response(0)).success).toBe(false);
    },
  );

  conforms(
    "a base version that is not the current one is fatal",
    STATE,
    async () => {
      const socket = await connect();
      socket.send({
        type: "ModifyQuerySet",
        baseVersion: 5,
        newVersion: 6,
        modifications: [],
      });
      expect((await socket.of("FatalError")).error).toContain("5");
    },
  );

  conforms(
    "who has seen a later timestamp than the server's is disconnected, not refused for ever",
    WORKER,
    async () => {
      const future = BigInt(Date.now() + 3_600_000) * 1_000_000n;
      const socket = await connect({ maxObservedTimestamp: encodeTs(future) });
      socket.add(0, notes, {});
      await socket.closed;
      expect(
        socket.received.filter(({ type }) => type === "FatalError"),
      ).toEqual([]);
    },
  );

  conforms(
    "a pagination's journal comes with the result, and is understood when it is sent back",
    PROTOCOL,
    async () => {
      await app.mutate(
        ...[1, 2, 3].map((rank) => insert("items", { group: "journal", rank })),
      );
      const args = {
        group: "journal",
        paginationOpts: { numItems: 2, cursor: null, id: 1 },
      };
      const first = await connect();
      first.add(0, "queries:pageOfGroup", args);
      const { journal, value } = (await first.changed(0)).modifications[0];
      expect(journal).toEqual(expect.any(String));
      await app.mutate(insert("items", { group: "journal", rank: 1.5 }));
      const second = await connect();
      second.add(0, "queries:pageOfGroup", args, { journal });
      const resumed = (await second.changed(0)).modifications[0].value;
      expect(resumed.page.map(({ rank }: any) => rank)).toEqual([1, 1.5, 2]);
      expect(resumed.continueCursor).toBe(value.continueCursor);
    },
  );

  conforms(
    "a token of a deployment without users is refused with an AuthError",
    PROTOCOL,
    async () => {
      const socket = await connect();
      socket.send({
        type: "Authenticate",
        baseVersion: 0,
        tokenType: "User",
        value: "x.y.z",
      });
      expect(await socket.of("AuthError")).toMatchObject({ baseVersion: 0 });
    },
  );

  conforms(
    "with the admin key a socket may call internal functions, and watch components",
    npm("convex src/browser/sync/client.ts (setAdminAuth)"),
    async () => {
      const socket = await connect();
      socket.send({
        type: "Authenticate",
        baseVersion: 0,
        tokenType: "Admin",
        value: app.adminKey,
      });
      socket.mutate(0, "jobs:note", { text: "by an admin" });
      expect((await socket.response(0)).success).toBe(true);
      socket.add(0, "entries:all", {}, { componentPath: "ledger" });
      expect((await socket.changed(0)).modifications[0].type).toBe(
        "QueryUpdated",
      );
    },
  );

  conforms(
    "a hundred subscriptions are all brought up to date by one commit",
    REALTIME,
    async () => {
      const watching = Array.from({ length: 10 }, () => client());
      const watches = watching.flatMap((each) =>
        Array.from({ length: 10 }, (_, i) =>
          watch<string[]>(each, api.jobs.notes, { about: `crowd ${i}` }),
        ),
      );
      await Promise.all(
        watches.map((each) => each.until(({ latest }) => latest !== undefined)),
      );
      await app.mutate(
        ...Array.from({ length: 10 }, (_, i) =>
          insert("jobNotes", { text: `crowd ${i}` }),
        ),
      );
      await Promise.all(
        watches.map((each) => each.until(({ latest }) => latest!.length === 1)),
      );
      expect(watches.every(({ results }) => results.length === 2)).toBe(true);
    },
  );

  conforms(
    "a client sees the results of its own mutation when the mutation resolves",
    REALTIME,
    async () => {
      const mine = client();
      const seen = watch<string[]>(mine, api.jobs.notes, { about: "mine" });
      await seen.until(({ latest }) => latest !== undefined);
      for (let i = 1; i <= 5; i++) {
        await mine.mutation(api.script.run, note(`mine ${i}`));
        expect(seen.latest).toHaveLength(i);
      }
    },
  );

  conforms(
    "an optimistic update is shown at once and gives way to what is true",
    docs("client/react/optimistic-updates"),
    async () => {
      const mine = client();
      const seen = watch<string[]>(mine, api.jobs.notes, {
        about: "optimistic",
      });
      await seen.until(({ latest }) => latest !== undefined);
      await mine.mutation(api.script.run, note("optimistic, true"), {
        optimisticUpdate(store) {
          store.setQuery(api.jobs.notes, { about: "optimistic" }, [
            "optimistic, guessed",
          ]);
        },
      });
      expect(seen.results).toEqual([
        [],
        ["optimistic, guessed"],
        ["optimistic, true"],
      ]);
    },
  );

  conforms(
    "a client whose connection is lost comes back, and misses nothing",
    CLIENT,
    async () => {
      const { mine, sockets } = clientWithSockets();
      const seen = watch<string[]>(mine, api.jobs.notes, { about: "missed" });
      await seen.until(({ latest }) => latest !== undefined);
      sockets[0]!.terminate();
      await app.mutate(insert("jobNotes", { text: "missed while away" }));
      await seen.until(({ latest }) => latest!.length === 1);
      expect(sockets.length).toBeGreaterThan(1);
    },
  );

  conforms(
    "a mutation under way when the connection is lost happens once",
    CLIENT,
    async () => {
      const { mine, sockets } = clientWithSockets();
      const seen = watch(mine, api.jobs.notes, { about: "unseen" });
      await seen.until(({ latest }) => latest !== undefined);
      const running = mine.mutation(api.transactions.increment, {
        name: "lost connection",
      });
      // It has gone out, and the answer finds nobody.
      sockets[0]!.terminate();
      expect(await running).toBe(1);
      expect(
        await mine.mutation(api.transactions.increment, {
          name: "lost connection",
        }),
      ).toBe(2);
    },
  );
});

/** Actions: outside of transactions, at most once. */
import { describe, expect } from "vitest";
import { backend, conforms, docs } from "./harness/case.js";
import { api, useDeployment } from "./harness/deployment.js";
import { useGate } from "./harness/gate.js";

const app = useDeployment();
const gate = useGate();

const ACTIONS = docs("functions/actions");
const ERRORS = docs("functions/error-handling");
const APPLICATION = docs("functions/error-handling/application-errors");
const RUNTIMES = docs("functions/runtimes");

const call = (name: string, args: object = {}): Promise<any> =>
  app.client.action(api.actions[name], args);
const valuesOf = async (key: string): Promise<unknown[]> => {
  const [rows] = await app.read({
    op: "find",
    table: "settings",
    filter: ["key", key],
    end: "collect",
  });
  return rows.map(({ value }: { value: unknown }) => value);
};

describe("Actions", () => {
  conforms("read the newest state each time", ACTIONS, async () => {
    expect(await call("readsItsWrites", { key: "own" })).toEqual([[1], [1, 2]]);
  });

  conforms("keep what they wrote when they fail", ACTIONS, async () => {
    await expect(call("writesThenFails", { key: "failing" })).rejects.toThrow(
      "after the write",
    );
    expect(await valuesOf("failing")).toEqual(["kept"]);
  });

  conforms("are not run again when they fail", ACTIONS, async () => {
    await expect(call("writesThenFails", { key: "once" })).rejects.toThrow();
    expect(await valuesOf("once")).toHaveLength(1);
  });

  conforms(
    "can catch what a mutation throws; it has written nothing",
    ERRORS,
    async () => {
      const caught = await call("catches", { key: "caught" });
      expect(caught.message).toContain("Uncaught Error: refused");
      expect(caught.data).toBeNull();
      expect(await valuesOf("caught")).toEqual([]);
    },
  );

  conforms(
    "get the data of a ConvexError from a mutation",
    APPLICATION,
    async () => {
      const { data } = await call("catches", {
        key: "caught",
        data: { code: 7n },
      });
      expect(data).toEqual({ code: 7n });
    },
  );

  conforms("call actions", ACTIONS, async () => {
    expect(await call("callsAction")).toBe("from inside");
  });

  conforms(
    "get the data of a ConvexError from an action",
    APPLICATION,
    async () => {
      const { data, message } = await call("callsAction", {
        data: ["a", null],
      });
      expect(data).toEqual(["a", null]);
      expect(message).toContain("Uncaught ConvexError");
    },
  );

  conforms(
    "run mutations side by side, each a transaction of its own",
    ACTIONS,
    async () => {
      expect(await call("sideBySide", { key: "parallel" })).toBe(20);
    },
  );

  conforms("see time pass", RUNTIMES, async () => {
    const running = call("time", { url: gate.url("time") });
    await gate.arrived("time");
    gate.open("time");
    expect(await running).toBe(true);
  });

  conforms(
    "fail when a rejection is handled by nobody",
    backend("crates/isolate/src/environment/action/mod.rs"),
    async () => {
      await expect(call("rejectsUnhandled")).rejects.toThrow(
        "nobody caught me",
      );
    },
  );

  conforms("fetch", ACTIONS, async () => {
    const answer = await call("fetches", { url: `${app.siteUrl}/echo` });
    expect(answer).toEqual({ status: 200, body: 'POST 1 {"a":1}' });
  });

  conforms("can catch that a server cannot be reached", ACTIONS, async () => {
    expect(await call("unreachable")).toBe("caught");
  });

  conforms("have the web's interfaces", RUNTIMES, async () => {
    expect(await call("web")).toEqual({
      text: "ü",
      bytes: 32,
      search: "1",
      clone: { a: [1] },
      base64: "aGk=",
      aborted: true,
    });
  });

  conforms("have no database of their own", ACTIONS, async () => {
    expect(await call("database")).toBe("undefined");
  });

  conforms(
    "know which function they are and where they run",
    docs("api/interfaces/server.GenericActionCtx"),
    async () => {
      expect(await call("metadata")).toMatchObject({
        fn: { name: "actions:metadata", componentPath: "" },
        class: "s256",
      });
    },
  );

  conforms('have Node\'s modules with "use node"', RUNTIMES, async () => {
    expect(await app.client.action(api.node.hash, { text: "abc" })).toBe(
      "ba7816bf",
    );
  });

  conforms("go on when their caller has gone", ACTIONS, async () => {
    const abort = new AbortController();
    const request = fetch(`${app.url}/api/action`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      signal: abort.signal,
      body: JSON.stringify({
        path: "gated:waitAndPut",
        args: { url: gate.url("gone"), key: "gone" },
        format: "json",
      }),
    }).catch(() => "aborted");
    await gate.arrived("gone");
    abort.abort();
    expect(await request).toBe("aborted");
    gate.open("gone");
    await gate.arrived("gone-done");
    gate.open("gone-done");
    expect(await valuesOf("gone")).toEqual(["done"]);
  });
});

/** Components: tables, variables and functions of their own; handles. */
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { watch } from "../test/sync/events.js";
import { backend, conforms, docs } from "./harness/case.js";
import { api, useDeployment } from "./harness/deployment.js";
import { setVariable } from "./harness/push.js";

const app = useDeployment();
let watcher: ConvexClient;
beforeAll(() => {
  watcher = new ConvexClient(app.url, { logger: false });
});
afterAll(() => watcher.close());

const USING = docs("components/using");
const AUTHORING = docs("components/authoring");
const UNDERSTANDING = docs("components/understanding");

const ask = (which: string, name: string, args: object = {}): Promise<any> =>
  app.client.query(api.parts.ask, { which, name, args });
const tell = (which: string, name: string, args: object = {}): Promise<any> =>
  app.client.mutation(api.parts.tell, { which, name, args });
const received = (): Promise<string[]> =>
  app.client.query(api.parts.received, {});

describe("Components", () => {
  conforms(
    "mounted twice have tables of their own",
    UNDERSTANDING,
    async () => {
      await tell("ledger", "add", { text: "here" });
      await tell("second", "add", { text: "there" });
      expect(await ask("ledger", "all")).toContain("here");
      expect(await ask("ledger", "all")).not.toContain("there");
    },
  );

  conforms(
    "see the variables bound to them, the deployment's URL, and nothing of the app's",
    AUTHORING,
    async () => {
      expect(await ask("ledger", "surroundings")).toEqual({
        currency: "EUR",
        greeting: null,
        url: "string",
        path: "ledger",
      });
      expect(await ask("second", "surroundings")).toMatchObject({
        currency: "CHF",
        path: "second",
      });
    },
  );

  conforms(
    "see a variable that is bound by reference change, and so do those who watch",
    AUTHORING,
    async () => {
      const seen = watch<{ currency: string }>(watcher, api.parts.ask, {
        which: "second",
        name: "surroundings",
        args: {},
      });
      await seen.until(({ latest }) => latest?.currency === "CHF");
      await setVariable(app, "CURRENCY", "JPY");
      await seen.until(({ latest }) => latest?.currency === "JPY");
      seen.stop();
    },
  );

  conforms(
    "write in the transaction of whoever calls them",
    USING,
    async () => {
      await expect(
        app.client.mutation(api.parts.addEverywhereAndFail, { text: "atomic" }),
      ).rejects.toThrow("all or nothing");
      expect(await ask("ledger", "all")).not.toContain("atomic");
      expect(await ask("second", "all")).not.toContain("atomic");
      expect(await received()).not.toContain("atomic");
    },
  );

  conforms(
    "have components of their own, which others cannot see",
    UNDERSTANDING,
    async () => {
      await tell("ledger", "add", { text: "nested" });
      expect(await ask("ledger", "archived")).toContain("archived nested");
      expect(await ask("second", "archived")).not.toContain("archived nested");
    },
  );

  conforms(
    "call their internal functions, which the app cannot",
    AUTHORING,
    async () => {
      expect(await ask("ledger", "throughHidden")).toBe("hidden");
      await expect(ask("ledger", "hidden")).rejects.toThrow(
        'does not export ["entries", "hidden"]',
      );
    },
  );

  conforms("can be called by actions", USING, async () => {
    expect(
      await app.client.action(api.parts.throughAction, {
        text: "by an action",
      }),
    ).toContain("by an action");
  });

  conforms(
    "give out ids as strings, and take them back",
    AUTHORING,
    async () => {
      const id = await tell("ledger", "add", { text: "by id" });
      expect(await ask("ledger", "get", { id })).toBe("by id");
    },
  );

  conforms(
    "tell tables apart by namespace: the same name elsewhere is another table",
    backend("crates/database/src/bootstrap_model/table.rs"),
    async () => {
      const [own] = await app.mutate({
        op: "insert",
        table: "entries",
        value: {},
      });
      const theirs = await tell("ledger", "add", { text: "apart" });
      expect(await app.read({ op: "get", id: own })).toMatchObject([
        { _id: own },
      ]);
      expect(
        await app.read({ op: "find", table: "entries", end: "collect" }),
      ).toMatchObject([[{ _id: own }]]);
      expect(theirs).not.toBe(own);
    },
  );

  conforms("cannot be called by clients", AUTHORING, async () => {
    const response = await fetch(`${app.url}/api/query`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        path: "entries:all",
        componentPath: "ledger",
        args: {},
        format: "json",
      }),
    });
    expect(response.ok).toBe(false);
  });

  conforms(
    "can be called by admins, by their path",
    docs("cli/reference/run"),
    async () => {
      const admin = new ConvexHttpClient(app.url, { logger: false });
      (admin as any).setAdminAuth(app.adminKey);
      const value = await (admin as any).function(
        "pages:all",
        "ledger/archive",
        {},
      );
      expect(value).toContain("archived here");
    },
  );

  conforms("tell those who watch the app when they change", USING, async () => {
    const all = watch<string[]>(watcher, api.parts.ask, {
      which: "second",
      name: "all",
      args: {},
    });
    await all.until(({ latest }) => latest !== undefined);
    await tell("second", "add", { text: "watched" });
    await all.until(({ latest }) => latest!.includes("watched"));
    all.stop();
  });

  conforms("schedule in a table of their own", AUTHORING, async () => {
    const id = await tell("ledger", "addLater", { text: "scheduled" });
    const state = watch<string>(watcher, api.parts.ask, {
      which: "ledger",
      name: "job",
      args: { id },
    });
    await state.until(({ latest }) => latest === "success");
    state.stop();
    expect(await ask("ledger", "all")).toContain("noted scheduled");
    const [jobs] = await app.read({
      op: "find",
      table: "_scheduled_functions",
      end: "collect",
    });
    expect(jobs.map(({ _id }: any) => _id)).not.toContain(id);
  });

  conforms(
    "serve their routes under the prefix they were mounted with",
    USING,
    async () => {
      expect(await (await fetch(`${app.siteUrl}/ledger/currency`)).text()).toBe(
        "EUR",
      );
      expect((await fetch(`${app.siteUrl}/currency`)).status).toBe(404);
      expect((await fetch(`${app.siteUrl}/second/currency`)).status).toBe(404);
    },
  );
});

describe("Function handles", () => {
  conforms(
    "let a component call what it cannot name, in the same transaction",
    AUTHORING,
    async () => {
      expect(
        await app.client.mutation(api.parts.lend, {
          how: "callBack",
          text: "lent",
        }),
      ).toBe("received lent");
      expect(await received()).toContain("lent");
    },
  );

  conforms("can be scheduled", AUTHORING, async () => {
    const all = watch<string[]>(watcher, api.parts.received, {});
    await app.client.mutation(api.parts.lend, {
      how: "callBackLater",
      text: "lent for later",
    });
    await all.until(
      ({ latest }) => latest?.includes("lent for later") ?? false,
    );
    all.stop();
  });

  conforms("work from actions", AUTHORING, async () => {
    expect(
      await app.client.action(api.parts.lendFromAction, {
        text: "lent from an action",
      }),
    ).toBe("received lent from an action");
  });

  conforms(
    "lead into the component that made them, to its internal functions too",
    AUTHORING,
    async () => {
      expect(
        await app.client.mutation(api.parts.borrow, {
          name: "hidden",
          args: {},
        }),
      ).toBe("hidden");
      await app.client.mutation(api.parts.borrow, {
        name: "note",
        args: { text: "borrowed" },
      });
      expect(await ask("ledger", "all")).toContain("noted borrowed");
    },
  );

  conforms(
    "have their arguments checked by the function they lead to",
    AUTHORING,
    async () => {
      await expect(
        app.client.mutation(api.parts.borrow, {
          name: "note",
          args: { words: 1 },
        }),
      ).rejects.toThrow("ArgumentValidationError");
    },
  );

  conforms(
    "are the same for the same function",
    docs("api/modules/server#createfunctionhandle"),
    async () => {
      expect(await app.client.mutation(api.parts.handleTwice, {})).toBe(true);
    },
  );

  conforms(
    "that nobody made lead nowhere",
    backend("crates/model/src/components/handles.rs"),
    async () => {
      await expect(
        app.client.mutation(api.parts.wrongHandle, {
          handle: "function://abc;nowhere",
        }),
      ).rejects.toThrow();
      expect(await received()).not.toContain("never");
    },
  );
});

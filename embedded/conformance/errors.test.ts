/** What callers see of what was thrown. */
import { ConvexClient } from "convex/browser";
import { ConvexError, type Value } from "convex/values";
import { describe, expect } from "vitest";
import { watch } from "../test/sync/events.js";
import { backend, conforms, docs } from "./harness/case.js";
import { api, useDeployment } from "./harness/deployment.js";

const app = useDeployment();

const APPLICATION = docs("functions/error-handling/application-errors");
const HANDLING = docs("functions/error-handling");
const LOADING = backend("crates/udf/src/validation.rs");

const failure = async (running: Promise<unknown>): Promise<any> =>
  running.then(
    (value) => `no error but ${JSON.stringify(value)}`,
    (error: unknown) => error,
  );

describe("Errors", () => {
  for (const [what, data] of [
    ["a string", "no"],
    ["an object", { code: 1, list: [1n, null] }],
    ["bytes", new Uint8Array([1, 2]).buffer],
    ["a number that is none", NaN],
  ] as [string, Value][]) {
    conforms(
      `the data of a ConvexError may be ${what}`,
      APPLICATION,
      async () => {
        const error = await failure(
          app.client.query(api.errors.query, { data }),
        );
        expect(error).toBeInstanceOf(ConvexError);
        expect(error.data).toEqual(data);
      },
    );
  }

  for (const kind of ["query", "mutation", "action"] as const) {
    conforms(`a client gets the data from a ${kind}`, APPLICATION, async () => {
      const data = { from: kind };
      const error = await failure(
        (app.client[kind] as any)(api.errors[kind], { data }),
      );
      expect(error).toBeInstanceOf(ConvexError);
      expect(error.data).toEqual(data);
    });
  }

  for (const [name, kind] of [
    ["queryInQuery", "query"],
    ["mutationInMutation", "mutation"],
    ["queryInAction", "action"],
    ["mutationInAction", "action"],
    ["actionInAction", "action"],
    ["componentInMutation", "mutation"],
  ] as const) {
    conforms(
      `a calling function gets the data: ${name}`,
      APPLICATION,
      async () => {
        const data = { n: 1n };
        const seen = await (app.client[kind] as any)(api.errors[name], {
          data,
        });
        expect(seen).toMatchObject({ isConvexError: true, data });
        expect(seen.message).toContain("Uncaught ConvexError");
      },
    );
  }

  conforms(
    "data cross every border on their way to the client",
    APPLICATION,
    async () => {
      const error = await failure(
        app.client.action(api.errors.throughAll, { data: { deep: true } }),
      );
      expect(error).toBeInstanceOf(ConvexError);
      expect(error.data).toEqual({ deep: true });
    },
  );

  conforms("a subclass of ConvexError is one, too", APPLICATION, async () => {
    const error = await failure(app.client.query(api.errors.subclass, {}));
    expect(error.data).toEqual({ special: 1 });
  });

  conforms(
    "clients over a socket get the data as well",
    APPLICATION,
    async () => {
      const client = new ConvexClient(app.url, { logger: false });
      const data = { over: "a socket" };
      const error = await failure(
        client.mutation(api.errors.mutation, { data }),
      );
      expect(error).toBeInstanceOf(ConvexError);
      expect(error.data).toEqual(data);
      const watched = watch(client, api.errors.query, { data });
      await watched.until(({ errors }) => errors.length === 1);
      expect((watched.errors[0] as ConvexError<Value>).data).toEqual(data);
      await client.close();
    },
  );

  conforms(
    "other errors show type, message and place on a development deployment",
    HANDLING,
    async () => {
      const error = await failure(app.client.query(api.errors.plain, {}));
      expect(error).not.toBeInstanceOf(ConvexError);
      expect(error.message).toContain("Uncaught TypeError: not like this");
      expect(error.message).toMatch(
        /at handler \(\.\.\/convex\/errors\.ts:\d+:\d+\)/,
      );
    },
  );

  conforms("anything can be thrown", HANDLING, async () => {
    const error = await failure(app.client.query(api.errors.throwsText, {}));
    expect(error.message).toContain("Uncaught just text");
  });

  conforms(
    "a mistake in the code is an error like any other",
    HANDLING,
    async () => {
      const error = await failure(app.client.query(api.errors.typo, {}));
      expect(error.message).toContain(
        "Uncaught TypeError: Cannot read properties of undefined",
      );
    },
  );

  // Functions that cannot be called.

  for (const [what, kind, path, message] of [
    [
      "a function that is not there",
      "query",
      "errors:nowhere",
      "Could not find public function for 'errors:nowhere'.",
    ],
    [
      "a module that is not there",
      "query",
      "nowhere:query",
      "Could not find public function for 'nowhere:query'.",
    ],
    [
      "an internal function",
      "mutation",
      "jobs:note",
      "Could not find public function for 'jobs:note'.",
    ],
    [
      "a query as a mutation",
      "mutation",
      "errors:query",
      "Trying to execute errors.js:query as Mutation, but it is defined as Query.",
    ],
    [
      "a mutation as a query",
      "query",
      "errors:mutation",
      "Trying to execute errors.js:mutation as Query, but it is defined as Mutation.",
    ],
    [
      "an action as a mutation",
      "mutation",
      "errors:action",
      "Trying to execute errors.js:action as Mutation, but it is defined as Action.",
    ],
    [
      "an export that is no function",
      "query",
      "errors:notAFunction",
      "Could not find public function for 'errors:notAFunction'.",
    ],
  ] as const) {
    conforms(`to call ${what} is an error`, LOADING, async () => {
      const [module, name] = path.split(":");
      const error = await failure(
        (app.client[kind] as any)(api[module!][name!], {}),
      );
      expect(error.message).toContain(message);
    });
  }

  conforms(
    "a function's path may name the file with or without .js",
    docs("http-api"),
    async () => {
      for (const path of ["errors:plain", "errors.js:plain"]) {
        const response = await fetch(`${app.url}/api/query`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ path, args: {}, format: "json" }),
        });
        expect((await response.json()).errorMessage).toContain("not like this");
      }
    },
  );
});

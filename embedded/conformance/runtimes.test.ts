/** What queries and mutations may not do, so that they can be repeated. */
import { describe, expect } from "vitest";
import { backend, conforms, docs } from "./harness/case.js";
import { api, useDeployment } from "./harness/deployment.js";

const app = useDeployment();

const RUNTIME = docs("functions/runtimes");

describe("Runtime", () => {
  conforms("fetch is for actions", RUNTIME, async () => {
    await expect(
      app.client.mutation(api.transactions.fetches, {}),
    ).rejects.toThrow(
      "Can't use fetch() in queries and mutations. Please consider using an action.",
    );
  });

  conforms("so is setTimeout", RUNTIME, async () => {
    await expect(app.client.query(api.transactions.waits, {})).rejects.toThrow(
      "Can't use setTimeout in queries and mutations. Please consider using an action.",
    );
  });

  conforms(
    "a promise that nothing can resolve is an error",
    backend("crates/isolate/src/error.rs"),
    async () => {
      await expect(
        app.client.query(api.transactions.neverEnds, {}),
      ).rejects.toThrow("Returned promise will never resolve");
    },
  );

  conforms("a module's state does not outlive the call", RUNTIME, async () => {
    const calls = [
      await app.client.query(api.transactions.countCalls, {}),
      await app.client.query(api.transactions.countCalls, {}),
    ];
    expect(calls).toEqual([1, 1]);
  });
});

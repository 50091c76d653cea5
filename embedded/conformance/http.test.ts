/** Functions over plain HTTP, and HTTP actions. */
import { ConvexHttpClient } from "convex/browser";
import { describe, expect } from "vitest";
import { insert } from "./app/shared/steps.js";
import { backend, conforms, docs, npm } from "./harness/case.js";
import { api, useDeployment } from "./harness/deployment.js";

const app = useDeployment();

const HTTP_API = docs("http-api");
const HTTP_CLIENT = npm("convex src/browser/http_client.ts");
const HTTP_ACTIONS = docs("functions/http-actions");
const PUBLIC_API = backend("crates/local_backend/src/public_api.rs");

async function post(
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: any }> {
  const response = await fetch(`${app.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return {
    status: response.status,
    body: text === "" ? null : JSON.parse(text),
  };
}
const site = (path: string, init?: RequestInit) =>
  fetch(`${app.siteUrl}${path}`, { redirect: "manual", ...init });

describe("HTTP API", () => {
  conforms(
    "a query's answer has status, value and log lines",
    HTTP_API,
    async () => {
      expect(
        await post("/api/query", {
          path: "limits:log",
          args: { lines: 1, length: 2 },
          format: "json",
        }),
      ).toEqual({
        status: 200,
        body: { status: "success", value: null, logLines: ["[LOG] 'xx'"] },
      });
    },
  );

  conforms("a mutation writes", HTTP_API, async () => {
    const { body } = await post("/api/mutation", {
      path: "script:run",
      args: { steps: [insert("overHttp", { a: 1 })] },
      format: "json",
    });
    expect(body).toMatchObject({
      status: "success",
      value: [expect.any(String)],
    });
  });

  conforms("an action runs", HTTP_API, async () => {
    const { body } = await post("/api/action", {
      path: "actions:inner",
      args: {},
      format: "json",
    });
    expect(body).toMatchObject({ status: "success", value: "from inside" });
  });

  conforms(
    "any function can be called by its path in the URL",
    HTTP_API,
    async () => {
      expect(
        (await post("/api/run/actions/inner", { args: {}, format: "json" }))
          .body.value,
      ).toBe("from inside");
      expect(
        (await post("/api/run/stamps/snapshot", { args: {}, format: "json" }))
          .body.status,
      ).toBe("success");
    },
  );

  conforms(
    "an application error has its message and data",
    HTTP_API,
    async () => {
      const { body } = await post("/api/query", {
        path: "errors:query",
        args: { data: { code: 1 } },
        format: "json",
      });
      expect(body).toMatchObject({ status: "error", errorData: { code: 1 } });
      expect(body.errorMessage).toContain("Uncaught ConvexError");
    },
  );

  conforms(
    "a developer error has a message and no data",
    HTTP_API,
    async () => {
      const { body } = await post("/api/query", {
        path: "errors:plain",
        args: {},
        format: "json",
      });
      expect(body.status).toBe("error");
      expect(body.errorMessage).toContain("not like this");
      expect(body).not.toHaveProperty("errorData");
    },
  );

  conforms(
    "values come in plain JSON, int64s as strings",
    docs("database/types"),
    async () => {
      await app.mutate(insert("plainJson", { n: 7n, list: [1, null, "x"] }));
      const { body } = await post("/api/query", {
        path: "script:read",
        args: { steps: [{ op: "find", table: "plainJson", end: "first" }] },
        format: "json",
      });
      expect(body.value[0]).toMatchObject({ n: "7", list: [1, null, "x"] });
    },
  );

  conforms(
    "arguments may be the object itself or an array of one",
    PUBLIC_API,
    async () => {
      for (const args of [{ text: "abc" }, [{ text: "abc" }]]) {
        const { body } = await post("/api/query", {
          path: "limits:take",
          args,
          format: "json",
        });
        expect(body.value).toBe(3);
      }
    },
  );

  conforms("a query can be called by GET", PUBLIC_API, async () => {
    const args = encodeURIComponent(JSON.stringify({ text: "abcd" }));
    const response = await fetch(
      `${app.url}/api/query?path=limits:take&args=${args}&format=json`,
    );
    expect(await response.json()).toMatchObject({
      status: "success",
      value: 4,
    });
  });

  conforms(
    "a function that is not there is an error in the answer, not of the request",
    PUBLIC_API,
    async () => {
      const { status, body } = await post("/api/query", {
        path: "no:where",
        args: {},
        format: "json",
      });
      expect([status, body.status]).toEqual([200, "error"]);
      expect(body.errorMessage).toContain(
        "Could not find public function for 'no:where'",
      );
    },
  );

  conforms("a body that is no JSON is a bad request", PUBLIC_API, async () => {
    const { status } = await post("/api/query", "{not json");
    expect(status).toBe(400);
  });

  conforms(
    "a wrong admin key is refused, whatever is asked",
    PUBLIC_API,
    async () => {
      const { status } = await post(
        "/api/query",
        { path: "limits:take", args: { text: "" }, format: "json" },
        { authorization: "Convex embedded|0123" },
      );
      expect(status).toBe(401);
    },
  );

  conforms(
    "internal functions are for admins",
    docs("functions/internal-functions"),
    async () => {
      const call = {
        path: "jobs:note",
        args: { text: "internal over HTTP" },
        format: "json",
      };
      expect((await post("/api/mutation", call)).body.status).toBe("error");
      const { body } = await post("/api/mutation", call, {
        authorization: `Convex ${app.adminKey}`,
      });
      expect(body.status).toBe("success");
    },
  );

  conforms(
    "several queries can be asked at one timestamp",
    HTTP_CLIENT,
    async () => {
      const client = new ConvexHttpClient(app.url, { logger: false });
      const consistent = (name: string, args: object) =>
        client.consistentQuery(api.script[name], args as any);
      const steps = [{ op: "find", table: "consistent", end: "collect" }];
      expect(await consistent("read", { steps })).toEqual([[]]);
      await app.mutate(insert("consistent", {}));
      expect(await consistent("read", { steps })).toEqual([[]]);
      expect(((await app.read(steps[0] as any)) as any)[0]).toHaveLength(1);
    },
  );

  conforms("the HTTP client queues its mutations", HTTP_CLIENT, async () => {
    const client = new ConvexHttpClient(app.url, { logger: false });
    const answers = await Promise.all(
      [1, 2, 3].map(() =>
        client.mutation(api.transactions.increment, { name: "queued" }),
      ),
    );
    expect(answers).toEqual([1, 2, 3]);
  });

  // Convex lets any page in; here it must be one of this machine (docs/embedded.md).
  conforms("a page may call the API", PUBLIC_API, async () => {
    const response = await fetch(`${app.url}/api/query`, {
      method: "OPTIONS",
      headers: {
        origin: "http://localhost:5173",
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,convex-client",
      },
    });
    expect(response.ok).toBe(true);
    expect(response.headers.get("access-control-allow-origin")).toMatch(
      /^(\*|http:\/\/localhost:5173)$/,
    );
  });

  conforms("the version is there to be read", PUBLIC_API, async () => {
    expect((await fetch(`${app.url}/version`)).ok).toBe(true);
  });
});

describe("HTTP actions", () => {
  conforms("get method, headers and body", HTTP_ACTIONS, async () => {
    const response = await site("/echo", {
      method: "POST",
      headers: { "x-test": "yes" },
      body: "text",
    });
    expect(await response.text()).toBe("POST yes text");
  });

  conforms(
    "answer with status, headers and JSON, and may write",
    HTTP_ACTIONS,
    async () => {
      const response = await site("/items", {
        method: "POST",
        body: JSON.stringify({ group: "http", rank: 1 }),
      });
      const { id } = (await response.json()) as { id: string };
      expect([response.status, response.headers.get("x-id")]).toEqual([
        201,
        id,
      ]);
      expect(await app.read({ op: "get", id })).toMatchObject([
        { group: "http" },
      ]);
    },
  );

  conforms("pass bytes through as they are", HTTP_ACTIONS, async () => {
    const response = await site("/bytes", {
      method: "PUT",
      body: new Uint8Array([0, 255, 10, 13]),
    });
    expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([
      13, 10, 255, 0,
    ]);
  });

  conforms("redirect", HTTP_ACTIONS, async () => {
    const response = await site("/redirect");
    expect([response.status, response.headers.get("location")]).toEqual([
      302,
      "/echo",
    ]);
  });

  for (const [path, text] of [
    ["/files/exact", "the exact path"],
    ["/files/deep/er", "the longer prefix"],
    ["/files/other", "prefix /files/other"],
  ] as const) {
    conforms(
      `${path} finds ${text}`,
      npm("convex src/server/router.ts"),
      async () => {
        expect(await (await site(path)).text()).toBe(text);
      },
    );
  }

  conforms(
    "of another method or path are not there",
    HTTP_ACTIONS,
    async () => {
      expect((await site("/echo")).status).toBe(404);
      expect((await site("/nowhere")).status).toBe(404);
    },
  );

  conforms("answer HEAD where they answer GET", HTTP_ACTIONS, async () => {
    const response = await site("/files/exact", { method: "HEAD" });
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });

  conforms("that throw answer 500", HTTP_ACTIONS, async () => {
    const response = await site("/fail");
    expect(response.status).toBe(500);
    expect(await response.text()).toContain("went wrong");
  });
});

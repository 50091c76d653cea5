/** Pages of other sites, open in a browser on the machine that the deployment runs on. */
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { parseCommandLine } from "../../embedded/src/options.js";
import { Victim } from "./victim.js";

const ALLOWED = "https://app.example";
const victim = Victim.forThisFile({ allowedOrigins: [ALLOWED] });

const STRANGERS = [
  "https://evil.example",
  "http://evil.example:3210",
  "http://localhost.evil.example",
  "http://127.0.0.1.evil.example",
  "https://app.example.evil.example",
  "https://app.example:444",
  "http://app.example",
  "null",
  "file://",
  "chrome-extension://abcdefghijklmnop",
  "http://192.168.1.77",
  "\x01not an origin",
];
const LOCAL = [
  "http://localhost:5173",
  "http://127.0.0.1:3000",
  "https://127.8.9.10",
  "http://[::1]:8080",
  "http://app.localhost:5173",
];
const query = { path: "notes:count", args: {} };

/** A header as it is: fetch would not send these. */
function request(line: string, headers: Record<string, string>, body = "") {
  const { port } = new URL(victim().deployment.url);
  const all = {
    Host: `127.0.0.1:${port}`,
    Connection: "close",
    "Content-Length": String(Buffer.byteLength(body)),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return [line, ...lines, "", body].join("\r\n");
}

async function openSocket(headers: Record<string, string>): Promise<string> {
  const socket = new WebSocket(victim().syncUrl, { headers });
  return await new Promise((resolve) => {
    socket.on("open", () => {
      socket.close();
      resolve("open");
    });
    socket.on("unexpected-response", (_request, response) => {
      let text = "";
      response.on("data", (data) => (text += data));
      response.on("end", () => resolve(`${response.statusCode} ${text}`));
    });
    socket.on("error", (error) => resolve(error.message));
  });
}

describe("a page of another site", () => {
  test.each(STRANGERS)(
    "%s is refused, and gets no leave to read the answer",
    async (origin) => {
      const body = JSON.stringify(query);
      for (const text of [
        request(
          "POST /api/query HTTP/1.1",
          { Origin: origin, "Content-Type": "text/plain" },
          body,
        ),
        request("GET /api/query?path=notes:count&args=%7B%7D HTTP/1.1", {
          Origin: origin,
        }),
        request("GET /version HTTP/1.1", { Origin: origin }),
        request("OPTIONS /api/query HTTP/1.1", {
          Origin: origin,
          "Access-Control-Request-Method": "POST",
        }),
        request(
          "POST /api/deploy2/start_push HTTP/1.1",
          { Origin: origin, Authorization: victim().admin.authorization! },
          "{}",
        ),
      ]) {
        const answer = await victim().raw(text);
        expect(answer).toMatch(/^HTTP\/1.1 40[03] /);
        expect(answer.toLowerCase()).not.toContain("access-control");
      }
    },
  );

  test("is told how it could be let in", async () => {
    const answer = await victim().post("/api/query", query, {
      origin: "https://evil.example",
    });
    expect(answer).toMatchObject({
      status: 403,
      body: {
        code: "OriginNotAllowed",
        message: expect.stringContaining(
          '--allow-origin "https://evil.example"',
        ),
      },
    });
  });

  test("writes nothing", async () => {
    const count = async () =>
      (await victim().post("/api/query", query)).body.value;
    const before = await count();
    const note = JSON.stringify({
      path: "notes:add",
      args: { text: "gotcha" },
    });
    await victim().raw(
      request(
        "POST /api/mutation HTTP/1.1",
        { Origin: "https://evil.example", "Content-Type": "text/plain" },
        note,
      ),
    );
    expect(await count()).toBe(before);
  });

  test.each(STRANGERS.filter((origin) => !origin.startsWith("\x01")))(
    "%s cannot open a WebSocket",
    async (origin) => {
      expect(await openSocket({ origin })).toMatch(/^403 .*OriginNotAllowed/);
    },
  );
});

describe("a site whose name leads to this machine", () => {
  test.each([
    "evil.example",
    "evil.example:3210",
    "localhost.evil.example",
    "127.0.0.1.nip.io",
    "app.example.evil.example",
  ])(
    "%s is no name of the deployment, nor of its HTTP actions",
    async (host) => {
      const { url, siteUrl } = victim().deployment;
      for (const base of [url, siteUrl]) {
        for (const path of [
          "/version",
          "/api/query?path=notes:count",
          "/url",
        ]) {
          const answer = await victim().raw(
            request(`GET ${path} HTTP/1.1`, { Host: host }),
            base,
          );
          expect(answer).toMatch(/^HTTP\/1.1 403 /);
          expect(answer).toContain("--allow-origin");
        }
      }
      expect(await openSocket({ host })).toMatch(/^403 .*HostNotAllowed/);
    },
  );

  test.each(["a b", "[::1", "evil.example/..", "%00", "a:b:c"])(
    "%j is no name at all",
    async (host) => {
      expect(
        await victim().raw(request("GET /version HTTP/1.1", { Host: host })),
      ).toMatch(/^HTTP\/1.1 40[03] /);
    },
  );
});

describe("a page of this machine, or one that was allowed", () => {
  test.each([...LOCAL, ALLOWED])("%s may call and read", async (origin) => {
    const answer = await victim().post("/api/query", query, { origin });
    expect(answer).toMatchObject({ status: 200, body: { status: "success" } });
    expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
    expect(await openSocket({ origin })).toBe("open");
  });

  test.each([
    "localhost:1",
    "LOCALHOST",
    "app.localhost",
    "[::1]:3210",
    "192.168.1.5:3210",
    "app.example",
  ])("%s is a name of the deployment", async (host) => {
    const answer = await victim().raw(
      request("GET /version HTTP/1.1", { Host: host }),
    );
    expect(answer).toMatch(/^HTTP\/1.1 200 /);
  });

  test("a page from the same machine by its address in the network", async () => {
    const headers = {
      Host: "192.168.1.5:3210",
      Origin: "http://192.168.1.5:5173",
    };
    expect(
      await victim().raw(request("GET /version HTTP/1.1", headers)),
    ).toMatch(/^HTTP\/1.1 200 /);
  });

  test("HTTP actions are called from anywhere: the app says who may read", async () => {
    const answer = await victim().fetch(`${victim().deployment.siteUrl}/echo`, {
      method: "POST",
      body: "hi",
      headers: { origin: "https://elsewhere.example" },
    });
    expect(answer).toMatchObject({ status: 200, body: "hi" });
  });
});

test("origins on the command line", () => {
  const origins = ["https://a.example", "http://b.example:8080"];
  const args = origins.flatMap((origin) => ["--allow-origin", origin]);
  expect(parseCommandLine(args).deployment.allowedOrigins).toEqual(origins);
  for (const wrong of [
    "",
    "*",
    "null",
    "a.example",
    "https://a.example/",
    "https://a.example/x",
    "ftp://a.example",
    "file:///x",
  ]) {
    expect(() => parseCommandLine(["--allow-origin", wrong])).toThrow(
      `--allow-origin must be an origin like https://example.com or http://example.com:8080, not "${wrong}".`,
    );
  }
});

/** Relay on the real pool and under a virtual clock, for its tests; the receivers are played here. */
import { convexTest } from "convex-test";
import workpool from "convex-workpool/test";
import { createHmac } from "node:crypto";
import { afterEach, beforeEach, vi } from "vitest";
import { api, internal } from "./_generated/api.js";
import schema from "./schema.js";

const modules = import.meta.glob("./**/*.*s");
const SECRET = "s3cret";

/** What receivers were sent, by the name in their URL, and how they answer. */
export interface Receivers {
  received: Array<{ name: string; headers: Headers; body: string }>;
  /** 200 if it does not say. */
  answers: Record<string, (attempt: number) => Response | Promise<Response>>;
}

/** Before each test of a file they are new, and so is the clock. */
export function playReceivers(): Receivers {
  const receivers: Receivers = { received: [], answers: {} };

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubEnv("GITHUB_WEBHOOK_SECRET", SECRET);
    // Failed attempts are logged, and here they are what is wanted.
    vi.spyOn(console, "error").mockImplementation(() => {});
    receivers.received = [];
    receivers.answers = {};
    vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
      const { received, answers } = receivers;
      const name = new URL(url).pathname.slice(1);
      const attempt = 1 + received.filter((r) => r.name === name).length;
      const headers = new Headers(init.headers);
      received.push({ name, headers, body: String(init.body) });
      init.signal?.throwIfAborted();
      const aborted = new Promise<never>((_, reject) => {
        init.signal?.addEventListener("abort", () =>
          reject(new Error("aborted")),
        );
      });
      const answer = answers[name]?.(attempt) ?? new Response("ok");
      return Promise.race([answer, aborted]);
    });
  });

  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
    vi.unstubAllGlobals();
    vi.unstubAllEnvs();
  });

  return receivers;
}

export async function relayWith(endpoints: Record<string, string[]>) {
  const t = convexTest(schema, modules);
  workpool.register(t);
  await t.mutation(internal.endpoints.register, {
    endpoints: Object.entries(endpoints).map(([name, events]) => ({
      name,
      events,
      url: `http://receivers.test/${name}`,
      secret: `secret of ${name}`,
      timeoutMs: 5_000,
    })),
  });
  return {
    ...t,
    send: (
      event: string,
      { guid = "g1", body = '{"action":"opened"}', signature = "" } = {},
    ) =>
      t.fetch("/github", {
        method: "POST",
        body,
        headers: {
          "x-github-delivery": guid,
          "x-github-event": event,
          "x-hub-signature-256":
            signature ||
            `sha256=${createHmac("sha256", SECRET).update(body).digest("hex")}`,
        },
      }),
    /** Lets time pass in small steps, as attempts would otherwise end by their time-outs. */
    runUntil: async (isThere: () => Promise<boolean>) => {
      while (!(await isThere())) {
        await vi.advanceTimersByTimeAsync(1);
      }
    },
    /** Until nothing is under way. What a paused pool has stays. */
    drain: async () => {
      const isAtWork = () =>
        t.run(async (ctx) => {
          const settings = await ctx.db.query("settings").first();
          const open = await ctx.db
            .query("deliveries")
            .withIndex("by_state", (q) => q.eq("state", "open"))
            .first();
          return open !== null && !settings?.paused;
        });
      // A leap would pass the time-outs of attempts before they have done anything.
      while (await isAtWork()) {
        for (let i = 0; i < 10; i++) await vi.advanceTimersByTimeAsync(10);
      }
      await t.finishAllScheduledFunctions(vi.runAllTimers);
    },
    deliveries: async () => {
      const { rows } = await t.query(api.deliveries.page, { count: 50 });
      return rows;
    },
    countsOf: async (name: string) => {
      const endpoints = await t.query(api.endpoints.list, {});
      return endpoints.find((endpoint) => endpoint.name === name)?.counts;
    },
  };
}

import {
  actionGeneric,
  anyApi,
  internalMutationGeneric,
  internalQueryGeneric,
} from "convex/server";
import { ConvexError, v } from "convex/values";

const self = anyApi.actions as any;

const messageOf = (error: unknown) => (error as Error).message;
const dataOf = (error: unknown) =>
  error instanceof ConvexError ? error.data : null;

export const put = internalMutationGeneric({
  args: { key: v.string(), value: v.any() },
  handler: async (ctx, { key, value }) => {
    await ctx.db.insert("settings", { key, value });
    return null;
  },
});

export const values = internalQueryGeneric({
  args: { key: v.string() },
  handler: async (ctx, { key }): Promise<unknown[]> =>
    (await ctx.db.query("settings").collect())
      .filter((row) => row.key === key)
      .map((row) => row.value as unknown),
});

export const refuse = internalMutationGeneric({
  args: { key: v.string(), data: v.optional(v.any()) },
  handler: async (ctx, { key, data }) => {
    await ctx.db.insert("settings", { key, value: "never kept" });
    if (data !== undefined) throw new ConvexError(data);
    throw new Error("refused");
  },
});

/** What it reads after each of its writes. */
export const readsItsWrites = actionGeneric({
  args: { key: v.string() },
  handler: async (ctx, { key }): Promise<unknown[]> => {
    const seen: unknown[] = [];
    for (const value of [1, 2]) {
      await ctx.runMutation(self.put, { key, value });
      seen.push(await ctx.runQuery(self.values, { key }));
    }
    return seen;
  },
});

export const writesThenFails = actionGeneric({
  args: { key: v.string() },
  handler: async (ctx, { key }) => {
    await ctx.runMutation(self.put, { key, value: "kept" });
    throw new Error("after the write");
  },
});

export const catches = actionGeneric({
  args: { key: v.string(), data: v.optional(v.any()) },
  handler: async (ctx, args): Promise<unknown> => {
    try {
      await ctx.runMutation(self.refuse, args);
      return "not thrown";
    } catch (error) {
      return { message: messageOf(error), data: dataOf(error) };
    }
  },
});

export const inner = actionGeneric({
  args: { data: v.optional(v.any()) },
  handler: (_ctx, { data }): string => {
    if (data !== undefined) throw new ConvexError(data);
    return "from inside";
  },
});

export const callsAction = actionGeneric({
  args: { data: v.optional(v.any()) },
  handler: async (ctx, args): Promise<unknown> => {
    try {
      return await ctx.runAction(self.inner, args);
    } catch (error) {
      return { message: messageOf(error), data: dataOf(error) };
    }
  },
});

export const sideBySide = actionGeneric({
  args: { key: v.string() },
  handler: async (ctx, { key }): Promise<number> => {
    await Promise.all(
      Array.from({ length: 20 }, (_, value) =>
        ctx.runMutation(self.put, { key, value }),
      ),
    );
    return ((await ctx.runQuery(self.values, { key })) as unknown[]).length;
  },
});

export const time = actionGeneric({
  args: { url: v.string() },
  handler: async (_ctx, { url }): Promise<boolean> => {
    const before = Date.now();
    await fetch(url);
    await new Promise((resolve) => setTimeout(resolve, 5));
    return Date.now() > before;
  },
});

export const rejectsUnhandled = actionGeneric({
  args: {},
  handler: async (): Promise<string> => {
    void Promise.reject(new Error("nobody caught me"));
    await new Promise((resolve) => setTimeout(resolve, 5));
    return "went on";
  },
});

export const fetches = actionGeneric({
  args: { url: v.string() },
  handler: async (_ctx, { url }): Promise<unknown> => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "x-test": "1" },
      body: JSON.stringify({ a: 1 }),
    });
    return { status: response.status, body: await response.text() };
  },
});

export const unreachable = actionGeneric({
  args: {},
  handler: async (): Promise<string> => {
    try {
      await fetch("http://127.0.0.1:1/");
      return "reached";
    } catch {
      return "caught";
    }
  },
});

export const web = actionGeneric({
  args: {},
  handler: async (): Promise<unknown> => {
    const text = new TextDecoder().decode(new TextEncoder().encode("ü"));
    const digest = await crypto.subtle.digest(
      "SHA-256",
      new TextEncoder().encode("abc"),
    );
    const url = new URL("/path?q=1", "https://example.com");
    const clone = structuredClone({ a: [1] });
    return {
      text,
      bytes: digest.byteLength,
      search: url.searchParams.get("q"),
      clone,
      base64: btoa("hi"),
      aborted: AbortSignal.abort().aborted,
    };
  },
});

export const database = actionGeneric({
  args: {},
  handler: (ctx) => typeof (ctx as any).db,
});

export const metadata = actionGeneric({
  args: {},
  handler: async (ctx): Promise<unknown> => ({
    fn: await (ctx as any).meta.getFunctionMetadata(),
    class: (await (ctx as any).meta.getDeploymentMetadata()).class,
  }),
});

/** Two processes on one store. */
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { expect, test } from "vitest";
import { freshData, serve } from "./fixture.js";

const api = anyApi as any;

test("the second is refused and told who is there; the first goes on", async () => {
  const dataDir = await freshData();
  const first = serve(dataDir);
  const { url } = await first.ready;
  for (let i = 0; i < 2; i++) {
    const { code, stdout, stderr } = await serve(dataDir).exit;
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain(dataDir);
    expect(stderr).toContain(`process ${first.pid}`);
    expect(stderr).toContain("Stop that one first, or use another directory.");
    expect(stderr).not.toContain("    at ");
  }
  const client = new ConvexHttpClient(url, { logger: false });
  await client.mutation(api.reminders.plan, {
    from: 0,
    count: 1,
    at: Date.now(),
  });
});

test("one that comes when the first was killed is let in at once", async () => {
  const dataDir = await freshData();
  for (let i = 0; i < 3; i++) {
    const holder = serve(dataDir);
    await holder.ready;
    holder.kill("SIGKILL");
    await holder.exit;
  }
  await serve(dataDir).ready;
});

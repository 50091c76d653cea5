/** Builds the page for one deployment and serves it. */
import { createRequire } from "node:module";
import path from "node:path";
import { preview } from "vite";
import { exampleDir } from "./paths.js";
import { run } from "./run.js";

const viteCli = path.join(
  path.dirname(createRequire(import.meta.url).resolve("vite/package.json")),
  "bin/vite.js",
);

export async function servePage(options: {
  convexUrl: string;
  senderUrl: string;
  outDir: string;
}): Promise<{ url: string; close(): Promise<void> }> {
  const { convexUrl, senderUrl, outDir } = options;
  await run(
    process.execPath,
    [viteCli, "build", `--outDir=${outDir}`, "--emptyOutDir"],
    {
      title: "vite build",
      cwd: exampleDir,
      env: {
        ...process.env,
        // Also when this process is a test: React would choose its slow build.
        NODE_ENV: "production",
        VITE_CONVEX_URL: convexUrl,
        VITE_SENDER_URL: senderUrl,
      },
    },
  );
  const server = await preview({
    root: exampleDir,
    build: { outDir },
    preview: { host: "127.0.0.1", port: 0, strictPort: true },
  });
  const url = server.resolvedUrls?.local[0];
  if (!url) {
    throw new Error("the page's server did not say where it listens");
  }
  return { url, close: () => server.close() };
}

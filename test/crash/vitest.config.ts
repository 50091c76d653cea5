import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: fileURLToPath(new URL(".", import.meta.url)),
    include: ["**/*.test.ts"],
    globalSetup: ["push.ts"],
    // Waiting is for events; these only end what will never come.
    testTimeout: 600_000,
    hookTimeout: 120_000,
    // Processes that are killed at random moments need the machine to themselves.
    fileParallelism: false,
  },
});

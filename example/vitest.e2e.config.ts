import { defineConfig } from "vitest/config";
import { exampleDir } from "./scripts/paths.js";

export default defineConfig({
  test: {
    root: exampleDir,
    include: ["e2e/**/*.test.ts"],
    // Waiting is for events; these only end what will never come.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    // Much of a test is waiting for what takes its time: two files do that side by side.
    maxWorkers: 2,
  },
});

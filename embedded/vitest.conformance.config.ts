import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // Not one less than there are processors: of two, half would stand idle.
    maxWorkers: "100%",
    name: "conformance",
    environment: "node",
    include: ["embedded/conformance/**/*.test.ts"],
    globalSetup: ["embedded/conformance/harness/push.ts"],
    reporters: ["default", "embedded/conformance/harness/reporter.ts"],
    // Far above what any case takes: limits against hanging, not measures.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});

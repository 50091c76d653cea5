/** `npm run test:sim`: apart from `npm test`, since planting bugs takes minutes. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // Not one less than there are processors: of two, half would stand idle.
    maxWorkers: "100%",
    include: ["sim/test/**/*.test.ts"],
    // Far above what any test takes: a limit against hanging, not a measure.
    testTimeout: 600_000,
    hookTimeout: 120_000,
  },
});

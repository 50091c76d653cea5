import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (path: string) =>
  fileURLToPath(new URL(`./src/${path}`, import.meta.url));

// The example imports the package by its name; here, that is the source.
const alias = [
  { find: /^convex-workpool$/, replacement: source("client/index.ts") },
  { find: /^convex-workpool\/test$/, replacement: source("test.ts") },
];

// Far above what any test takes: limits against hanging, not measures.
const timeouts = { testTimeout: 120_000, hookTimeout: 120_000 };

export default defineConfig({
  test: {
    // Not one less than there are processors: of two, half would stand idle.
    maxWorkers: "100%",
    projects: [
      {
        resolve: { alias },
        test: {
          ...timeouts,
          name: "component",
          environment: "edge-runtime",
          include: ["src/**/*.test.ts"],
          typecheck: {
            enabled: true,
            include: ["src/**/*.test-d.ts"],
            ignoreSourceErrors: true,
          },
        },
      },
      {
        resolve: { alias },
        test: {
          ...timeouts,
          name: "node",
          environment: "node",
          include: [
            "bench/test/**/*.test.ts",
            "scripts/**/*.test.ts",
            "sim/test/texts.test.ts",
            "embedded/test/**/*.test.ts",
            "example/**/*.test.ts",
            "example/**/*.test.tsx",
          ],
          exclude: ["**/node_modules/**", "example/e2e/**"],
        },
      },
      {
        resolve: { alias },
        test: {
          ...timeouts,
          name: "deployment",
          environment: "node",
          include: ["test/deployment/**/*.test.ts"],
          globalSetup: ["test/deployment/push.ts"],
        },
      },
      {
        resolve: { alias },
        test: {
          ...timeouts,
          name: "hostile",
          environment: "node",
          include: ["test/hostile/**/*.test.ts"],
          globalSetup: ["test/hostile/push.ts"],
        },
      },
    ],
  },
});

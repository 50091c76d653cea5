import convex from "@convex-dev/eslint-plugin";
import js from "@eslint/js";
import globals from "globals";
import tseslint from "typescript-eslint";

export default tseslint.config(
  {
    ignores: [
      "**/dist/**",
      "**/_generated/**",
      "**/node_modules/**",
      "embedded/test/apps/**",
    ],
  },
  js.configs.recommended,
  ...tseslint.configs.recommended,
  {
    languageOptions: { globals: { ...globals.node, ...globals.browser } },
    rules: {
      // Validators and function references are generic over any.
      "@typescript-eslint/no-explicit-any": "off",
      // Left out on purpose: `const { secret: _, ...rest } = row`.
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_" },
      ],
      // The compiler knows.
      "no-undef": "off",
    },
  },
  ...convex.configs.recommended.map((config) => ({
    ...config,
    files: ["src/component/**/*.ts", "example/convex/**/*.ts"],
    ignores: ["**/*.test.ts", "**/_generated/**"],
  })),
);

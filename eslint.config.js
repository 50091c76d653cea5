import convex from "@convex-dev/eslint-plugin";
import js from "@eslint/js";
import globals from "globals";
import tseslint from "typescript-eslint";

/** From right to left: a folder imports from those after it, and from the files beside them. */
const FOLDERS = ["observe", "executor", "loop", "work", "queue"];

/** What a folder of the component, or a file beside them, may not import. */
const directions = [...FOLDERS, "."].map((folder) => ({
  files: [
    folder === "." ? "src/component/*.ts" : `src/component/${folder}/**/*.ts`,
  ],
  ignores: [
    "**/*.test.ts",
    // The component's face, and the tables that hold everybody's rows.
    "src/component/{attempts,config,lib,pool,schema,unique,works}.ts",
  ],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          {
            regex: `^\\.{1,2}/(${
              (folder === "."
                ? FOLDERS
                : FOLDERS.slice(0, FOLDERS.indexOf(folder))
              ).join("|") || "-"
            })/`,
            message:
              "Imports go observe → executor → loop → work → queue → files beside the folders: see docs/architecture.md.",
          },
        ],
      },
    ],
  },
}));

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
  ...directions,
  ...convex.configs.recommended.map((config) => ({
    ...config,
    files: ["src/component/**/*.ts", "example/convex/**/*.ts"],
    ignores: ["**/*.test.ts", "**/_generated/**"],
  })),
);

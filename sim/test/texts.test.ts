/** Quick, so that `npm test` has it: code that moves takes its planted bugs along. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ALL_PLANTS } from "../allPlants.js";

test.each(ALL_PLANTS)(
  "the code that '$name' changes stands where it looks for it, once",
  async ({ patches }) => {
    for (const { file, text } of patches) {
      const path = fileURLToPath(new URL(`../../${file}`, import.meta.url));
      const parts = (await readFile(path, "utf8")).split(text);
      expect(parts.length - 1, `${file}: ${text}`).toBe(1);
    }
  },
);

import { expect, test } from "vitest";
import { blocksOf, wordsOf } from "./blocks.js";

const fenced = (language: string, text: string) =>
  `\`\`\`${language}\n${text}\n\`\`\`\n`;

test("a block of TypeScript is the file that its first line names", () => {
  const page = `# Page\n\n${fenced("ts", "// convex/a.ts\nexport {};")}`;
  expect(blocksOf(page)).toEqual([
    {
      kind: "file",
      path: "convex/a.ts",
      code: "// convex/a.ts\nexport {};\n",
      line: 3,
    },
  ]);
});

test("TypeScript without a file is refused, with its line", () => {
  expect(() => blocksOf(`\n${fenced("ts", "const a = 1;")}`)).toThrow(
    /line 2 must begin with the file/,
  );
});

test("each line of a shell block is a command, with what is printed after it", () => {
  const page = fenced("sh", "npx a\nnpx b") + `\n${fenced("json", "{}")}`;
  expect(blocksOf(page)).toEqual([
    { kind: "command", words: ["npx", "a"], line: 2 },
    { kind: "command", words: ["npx", "b"], line: 3, prints: "{}\n" },
  ]);
});

test("JSON with text before it stands for itself", () => {
  const page = `${fenced("sh", "npx a")}Put this in:\n\n${fenced("json", "{}")}`;
  expect(blocksOf(page).map(({ kind }) => kind)).toEqual(["command", "json"]);
});

test("quoted arguments are one word, and comments are none", () => {
  expect(wordsOf(`npx convex run a:b '{ "url": "x y" }'  # and so on`)).toEqual(
    ["npx", "convex", "run", "a:b", '{ "url": "x y" }'],
  );
});

import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { anchorsOf, brokenLinks, linksOf } from "./links.js";

const repository = "https://github.com/someone/something";

function checkout(files: Record<string, string>): string {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), "links-"));
  for (const [file, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    fs.writeFileSync(path.join(root, file), text);
  }
  return root;
}

test("links in code are none", () => {
  expect(
    linksOf("[a](b.md) `[c](d.md)`\n\n```md\n[e](f.md)\n```\n![g](h.png)"),
  ).toEqual(["b.md", "h.png"]);
});

test("README has absolute links only, to what is in the checkout", () => {
  const root = checkout({
    "README.md": [
      "[relative](docs/a.md)",
      `[there](${repository}/blob/main/docs/a.md#why-not)`,
      `[gone](${repository}/blob/main/docs/b.md)`,
      `[no heading](${repository}/blob/main/docs/a.md#how)`,
      "![gone](https://raw.githubusercontent.com/someone/something/main/a.png)",
      "[elsewhere](https://example.com)",
    ].join("\n"),
    "docs/a.md": "# Why not?\n",
  });
  expect(brokenLinks(root, "README.md", repository)).toEqual([
    "README.md: docs/a.md is relative, so it leads nowhere on npm.",
    `README.md: there is nothing at ${repository}/blob/main/docs/b.md.`,
    `README.md: there is nothing at ${repository}/blob/main/docs/a.md#how.`,
    "README.md: there is nothing at https://raw.githubusercontent.com/someone/something/main/a.png.",
  ]);
});

test("other pages may have relative links", () => {
  const root = checkout({
    "docs/a.md": "# A\n\n[b](b.md) [self](#a) [top](../README.md#x)",
    "docs/b.md": "",
    "README.md": "## Y",
  });
  expect(brokenLinks(root, "docs/a.md", repository)).toEqual([
    "docs/a.md: there is nothing at ../README.md#x.",
  ]);
});

test("an anchor is the heading in lower case, without punctuation", () => {
  expect(anchorsOf("## Guarantees, and their limits\n# `get` it")).toEqual([
    "guarantees-and-their-limits",
    "get-it",
  ]);
});

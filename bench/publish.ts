/** `--publish`: the charts, and the tables of `docs/benchmarks.md` between their markers. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { format } from "prettier";
import { asMarkdown, type Table } from "./render.js";

const PAGE = fileURLToPath(new URL("../docs/benchmarks.md", import.meta.url));

export async function publish(
  tables: { goals: Table; results: Table; sweep: Table },
  charts: () => string[],
  date: string,
): Promise<string[]> {
  const page = await writeSections({
    ...Object.fromEntries(
      Object.entries(tables).map(([name, table]) => [name, asMarkdown(table)]),
    ),
    when: `Measured on ${date} with \`npm run bench -- --publish\`.`,
  });
  return [page, ...charts()];
}

/** Puts each text between the page's markers of its name; resolves with the page's path. */
export async function writeSections(
  sections: Record<string, string>,
): Promise<string> {
  let page = readFileSync(PAGE, "utf8");
  for (const [name, text] of Object.entries(sections)) {
    page = between(page, name, text);
  }
  writeFileSync(PAGE, await format(page, { parser: "markdown" }));
  return PAGE;
}

/** Puts `text` between the page's markers of that name. */
function between(page: string, name: string, text: string): string {
  const begin = `<!-- ${name} -->`;
  const end = `<!-- /${name} -->`;
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from === -1 || to === -1) {
    throw new Error(`docs/benchmarks.md has no ${begin} … ${end}`);
  }
  return `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`;
}

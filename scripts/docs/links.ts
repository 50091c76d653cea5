/**
 * Links of the documentation. README is shown by npm too, where a relative link
 * leads nowhere: it has absolute ones, and what they name must be in the checkout.
 */
import fs from "node:fs";
import path from "node:path";

/** What is wrong with the links of `page` (a path in the checkout `root`), each in a sentence. */
export function brokenLinks(
  root: string,
  page: string,
  repository: string,
): string[] {
  const markdown = fs.readFileSync(path.join(root, page), "utf8");
  const standsAlone = page === "README.md";
  return linksOf(markdown).flatMap((link) => {
    const isRelative = !/^(https?:|mailto:|#)/.test(link);
    if (standsAlone && isRelative) {
      return [`${page}: ${link} is relative, so it leads nowhere on npm.`];
    }
    const target = localTarget(link, page, repository);
    return target === undefined || exists(root, target)
      ? []
      : [`${page}: there is nothing at ${link}.`];
  });
}

/** Where links and pictures of Markdown lead. */
export function linksOf(markdown: string): string[] {
  const text = markdown
    .replace(/^```[\s\S]*?^```$/gm, "")
    .replace(/`[^`\n]*`/g, "");
  return [...text.matchAll(/\]\(([^()\s]+)\)/g)].map(([, link]) => link!);
}

/** `file#heading` in the checkout. Undefined: the link leads elsewhere. */
function localTarget(
  link: string,
  page: string,
  repository: string,
): string | undefined {
  const raw = repository.replace("github.com", "raw.githubusercontent.com");
  for (const start of [`${repository}/blob/main/`, `${raw}/main/`]) {
    if (link.startsWith(start)) return link.slice(start.length);
  }
  if (/^(https?|mailto):/.test(link)) return undefined;
  return link.startsWith("#")
    ? page + link
    : path.posix.join(path.posix.dirname(page), link);
}

function exists(root: string, target: string): boolean {
  const [file, heading] = target.split("#") as [string, string?];
  const absolute = path.join(root, file);
  if (!fs.existsSync(absolute)) return false;
  if (heading === undefined) return true;
  return anchorsOf(fs.readFileSync(absolute, "utf8")).includes(heading);
}

/** The anchors that GitHub gives headings. */
export function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\- ]/gu, "")
      .replaceAll(" ", "-"),
  );
}

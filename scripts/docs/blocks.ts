/** What a page of the documentation shows: files of an app, and commands. */

export interface CodeFile {
  kind: "file";
  /** Where the block says it belongs: its first line is `// convex/deliveries.ts`. */
  path: string;
  code: string;
  /** Of the page. */
  line: number;
}

export interface Command {
  kind: "command";
  words: string[];
  /** The JSON block right after it: what it prints. */
  prints?: string;
  line: number;
}

export interface Json {
  kind: "json";
  text: string;
  line: number;
}

export type Block = CodeFile | Command | Json;

/**
 * The blocks of a page, in its order. Each line of a `sh` block is a command.
 *
 * @throws for TypeScript that does not say which file it is, since nobody could
 *   push it.
 */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  for (const match of markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)) {
    const [, language, text = ""] = match;
    const line = markdown.slice(0, match.index).split("\n").length;
    if (language === "ts" || language === "tsx") {
      blocks.push({ kind: "file", path: pathOf(text, line), code: text, line });
    } else if (language === "sh") {
      blocks.push(...commandsOf(text, line));
    } else if (language === "json") {
      const last = blocks.at(-1);
      if (last?.kind === "command" && follows(markdown, last, match.index)) {
        last.prints = text;
      } else {
        blocks.push({ kind: "json", text, line });
      }
    }
  }
  return blocks;
}

function pathOf(code: string, line: number): string {
  const path = /^\/\/ (\S+\.tsx?)\n/.exec(code)?.[1];
  if (path === undefined) {
    throw new Error(
      `The block in line ${line} must begin with the file it belongs to, like "// convex/deliveries.ts".`,
    );
  }
  return path;
}

function commandsOf(text: string, firstLine: number): Command[] {
  return text
    .split("\n")
    .map((command, index): Command => {
      const words = wordsOf(command);
      return { kind: "command", words, line: firstLine + 1 + index };
    })
    .filter(({ words }) => words.length > 0);
}

/** As a shell would split them: quotes in single quotes, comments left out. */
export function wordsOf(command: string): string[] {
  const words = command.matchAll(/#.*$|'([^']*)'|(\S+)/g);
  return [...words].flatMap(([, quoted, plain]) => quoted ?? plain ?? []);
}

/** Whether nothing but the end of the command's own block lies between it and `index`. */
function follows(markdown: string, command: Command, index: number): boolean {
  const lines = markdown.slice(0, index).split("\n").slice(command.line, -1);
  return lines.every((line) => line === "" || line === "```");
}

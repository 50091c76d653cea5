/**
 * Makes a module's code look its free names up in an object. On Convex every call has
 * a realm of its own, where `Date` and `globalThis.Date` are the same thing; a realm
 * costs milliseconds, an object with the same names next to nothing. So each name
 * that the code itself does not bind becomes a property of that object:
 *
 *     Date.now()          $.Date.now()
 *     fetch(url)          (0,$.fetch)(url)             called without a `this`
 *     typeof window       ("window"in $?typeof $.window:"undefined")
 *     ({ Map })           ({ Map:$.Map })              also where it is assigned to
 *
 * The object answers for names that nobody has set (see `globals.ts`).
 */
import { parse } from "acorn";
import { analyze } from "eslint-scope";
import type * as ESTree from "estree";

/** Text that was put into code; there is no line break in it. */
export interface Insertion {
  /** Where in the original code. */
  at: number;
  text: string;
}

export interface RewrittenCode {
  code: string;
  /** Of the object, chosen so that the code does not have this name already. */
  objectName: string;
  /** By place. */
  insertions: Insertion[];
}

/** What no code can assign to. */
const CONSTANT = new Set(["undefined", "NaN", "Infinity"]);

type Node = ESTree.Node & { start: number; end: number };

/** `bound` are names that the code is handed otherwise, like `require`. */
export function rewriteFreeNames(
  code: string,
  bound: readonly string[],
): RewrittenCode {
  const program = parse(code, {
    ecmaVersion: "latest",
    sourceType: "script",
    allowReturnOutsideFunction: true,
    // The analysis reads them.
    ranges: true,
  }) as unknown as ESTree.Program;
  const objectName = unusedName(code);
  const insertions: Insertion[] = [];
  const free = freeIdentifiers(program, new Set([...CONSTANT, ...bound]));
  if (free.size > 0) {
    visit(program as Node, null, (node, parent) => {
      if (free.has(node)) {
        insertions.push(...replacement(node, parent, objectName));
      } else if (node.type === "Property" && node.shorthand) {
        insertions.push(...longHand(node, free));
      }
    });
  }
  // Texts for the same place are in the right order: the sort is stable.
  insertions.sort((a, b) => a.at - b.at);
  return { code: insert(code, insertions), objectName, insertions };
}

/** Where a place of the rewritten code was, both counted from the start of one line. */
export function originalColumn(
  column: number,
  insertionsOfLine: readonly Insertion[],
): number {
  let inserted = 0;
  for (const { at, text } of insertionsOfLine) {
    if (at + inserted > column) break;
    // A place within the text is that of what it was put in front of.
    inserted += Math.min(text.length, column - at - inserted);
  }
  return column - inserted;
}

function unusedName(code: string): string {
  let name = "$globals";
  while (code.includes(name)) name += "$";
  return name;
}

function freeIdentifiers(
  program: ESTree.Program,
  bound: ReadonlySet<string>,
): Set<ESTree.Node> {
  const { globalScope } = analyze(program, {
    ecmaVersion: 2022,
    sourceType: "script",
    // What is declared at the top is the module's, not global.
    nodejsScope: true,
    // Code for `eval` sees the real globals; that does not make names dynamic.
    ignoreEval: true,
  });
  return new Set(
    globalScope!.through
      .map(({ identifier }) => identifier as ESTree.Node)
      .filter((node) => node.type === "Identifier" && !bound.has(node.name)),
  );
}

function replacement(
  node: Node,
  parent: Node | null,
  objectName: string,
): Insertion[] {
  const { name } = node as unknown as ESTree.Identifier;
  const { start, end } = node;
  const reference = `${objectName}.`;
  switch (parent?.type) {
    case "UnaryExpression":
      if (parent.operator !== "typeof") break;
      return [
        { at: parent.start, text: `("${name}"in ${objectName}?` },
        { at: start, text: reference },
        { at: parent.end, text: `:"undefined")` },
      ];
    case "CallExpression":
    case "TaggedTemplateExpression": {
      const callee =
        parent.type === "CallExpression" ? parent.callee : parent.tag;
      if (callee !== (node as ESTree.Node)) break;
      return [
        { at: start, text: `(0,${reference}` },
        { at: end, text: ")" },
      ];
    }
  }
  return [{ at: start, text: reference }];
}

/** `{ name }` and, where it is assigned to, `{ name = 1 }` say the name once for two things. */
function longHand(
  property: (ESTree.Property | ESTree.AssignmentProperty) & { start: number },
  free: ReadonlySet<ESTree.Node>,
): Insertion[] {
  const { value, start } = property;
  const said = value.type === "AssignmentPattern" ? value.left : value;
  return said.type === "Identifier" && free.has(said)
    ? [{ at: start, text: `${said.name}:` }]
    : [];
}

/** Calls `enter` for every node, with the one that it is in. */
function visit(
  node: Node,
  parent: Node | null,
  enter: (node: Node, parent: Node | null) => void,
): void {
  enter(node, parent);
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) {
      for (const item of value as unknown[]) {
        if (isNode(item)) visit(item, node, enter);
      }
    } else if (isNode(value)) {
      visit(value, node, enter);
    }
  }
}

function isNode(value: unknown): value is Node {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as { type?: unknown }).type === "string"
  );
}

function insert(code: string, insertions: readonly Insertion[]): string {
  let done = 0;
  let result = "";
  for (const { at, text } of insertions) {
    result += code.slice(done, at) + text;
    done = at;
  }
  return result + code.slice(done);
}

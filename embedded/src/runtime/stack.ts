/**
 * Prints what a function threw as Convex does: "Uncaught Error: message" and
 * the stack in terms of the user's own files, without frames of the deployment
 * and without leading and trailing frames of convex's function wrappers.
 */
import type { JSONValue } from "../storage/types.js";
import { MODULE_URL_PREFIX, type SourcePosition } from "./compile.js";
import { FunctionError } from "./errors.js";

/** A frame of this program or of Node below the function's own. */
const DEPLOYMENT_FRAME =
  /^\s+at .*(?:embedded\/src\/|\(?node:|evalmachine\.<anonymous>)[^\n]*:\d+:\d+\)?,?$/;

export type PositionLookup = (
  modulePath: string,
  line: number,
  column: number,
) => SourcePosition | null;

/** Convex truncates messages, so that a huge one cannot fill logs and rows. */
const MAX_MESSAGE_LENGTH = 10_000;

export function describeThrown(
  thrown: unknown,
  lookup: PositionLookup,
): FunctionError {
  if (thrown instanceof FunctionError) return thrown;
  if (!isErrorLike(thrown)) {
    return new FunctionError(`Uncaught ${printThrown(thrown)}`);
  }
  const message = uncaught(thrown.name, thrown.message);
  return new FunctionError(
    message.slice(0, MAX_MESSAGE_LENGTH),
    convexErrorData(thrown),
    parseFrames(thrown.stack, lookup),
  );
}

interface ErrorLike {
  name?: unknown;
  message?: unknown;
  stack?: unknown;
  data?: unknown;
  ConvexErrorSymbol?: unknown;
}

function isErrorLike(thrown: unknown): thrown is ErrorLike {
  return (
    thrown instanceof Error ||
    Object.prototype.toString.call(thrown) === "[object Error]"
  );
}

function printThrown(thrown: unknown): string {
  try {
    return typeof thrown === "object" && thrown !== null
      ? "#<Object>"
      : String(thrown);
  } catch {
    return "[unprintable value]";
  }
}

function uncaught(name: unknown, message: unknown): string {
  const printedName = name === undefined ? "Error" : String(name);
  const printedMessage = message === undefined ? "" : String(message);
  return ["Uncaught", [printedName, printedMessage].filter(Boolean).join(": ")]
    .filter(Boolean)
    .join(" ");
}

/** convex/server serializes the data of a ConvexError before it lets go of it. */
function convexErrorData(thrown: ErrorLike): JSONValue | undefined {
  const symbol = thrown.ConvexErrorSymbol;
  if (
    typeof symbol !== "symbol" ||
    Reflect.get(thrown, symbol) !== true ||
    typeof thrown.data !== "string"
  ) {
    return undefined;
  }
  return JSON.parse(thrown.data) as JSONValue;
}

const FRAME = /^\s+at (?:(.*) \()?(.*?):(\d+):(\d+)\)?$/;

export function parseFrames(stack: unknown, lookup: PositionLookup): string[] {
  if (typeof stack !== "string") return [];
  const frames: { text: string; internal: boolean }[] = [];
  for (const line of stack.split("\n")) {
    const match = FRAME.exec(line);
    if (match === null) continue;
    let [, call, file] = match as unknown as [
      string,
      string | undefined,
      string,
    ];
    // A frame without a name reads "at async file:1:2".
    if (call === undefined && file.startsWith("async ")) {
      call = "async <anonymous>";
      file = file.slice("async ".length);
    }
    if (!file.startsWith(MODULE_URL_PREFIX)) continue;
    const position = lookup(
      file.slice(MODULE_URL_PREFIX.length),
      Number(match[3]),
      Number(match[4]),
    ) ?? {
      file: file.slice(MODULE_URL_PREFIX.length),
      line: Number(match[3]),
      column: Number(match[4]),
    };
    const place = `${position.file}:${position.line}:${position.column}`;
    frames.push({
      text: `    at ${call ?? "<anonymous>"} (${place})`,
      internal: isWrapper(position.file),
    });
  }
  while (frames[0]?.internal) frames.shift();
  while (frames.at(-1)?.internal) frames.pop();
  return frames.map((frame) => frame.text);
}

const PLACES = new RegExp(
  `${MODULE_URL_PREFIX}([^\\s():]+):(\\d+):(\\d+)`,
  "g",
);

/** Text that a function logs may hold stacks: their places, too, become the user's. */
export function translatePlaces(text: string, lookup: PositionLookup): string {
  if (!text.includes(MODULE_URL_PREFIX)) return text;
  return text
    .replace(PLACES, (place, module: string, line: string, column: string) => {
      const found = lookup(module, Number(line), Number(column));
      return found === null
        ? place.slice(MODULE_URL_PREFIX.length)
        : `${found.file}:${found.line}:${found.column}`;
    })
    .split("\n")
    .filter((line) => !DEPLOYMENT_FRAME.test(line) && !isWrapper(line))
    .join("\n");
}

/** Code of convex/server that calls handlers and syscalls. */
function isWrapper(file: string): boolean {
  return (
    file.includes("convex/src/server/impl") ||
    file.includes("convex/dist/esm/server/impl")
  );
}

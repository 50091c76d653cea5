import type { JSONObject } from "../storage/types.js";
import { describe } from "./describe.js";
import { badRequest } from "./errors.js";

function isObject(value: unknown): value is JSONObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Clients send the arguments object alone or, as the official ones do, in an array. */
export function parseArguments(args: unknown): JSONObject {
  if (isObject(args)) return args;
  if (Array.isArray(args) && args.length <= 1) {
    const first: unknown = args[0] ?? {};
    if (isObject(first)) return first;
  }
  throw badRequest(
    "InvalidArguments",
    `Arguments must be one object, or an array holding one object, not ${describe(args)}.`,
  );
}

/** "mod/path.js:fn", "mod/path:fn" or "mod/path" (its default export). */
export function parseFunctionPath(path: unknown): string {
  if (typeof path !== "string" || !FUNCTION_PATH.test(path)) {
    throw badRequest(
      "InvalidFunctionPath",
      `${describe(path)} is not the path of a function: it should look like "messages:list" or "folder/messages:list".`,
    );
  }
  const [module = "", name = "default"] = path.split(":");
  return `${module.replace(/\.js$/, "")}:${name}`;
}

const FUNCTION_PATH = /^[\w./-]+(:[\w]+)?$/;

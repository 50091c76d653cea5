/**
 * Finds functions in an App: canonical names, references into child components,
 * function handles, and who may see what.
 */
import { createHash } from "node:crypto";
import { encodeId } from "../values/index.js";
import { FunctionError, SyscallError } from "./errors.js";
import type {
  App,
  Caller,
  ComponentInstance,
  FunctionAddress,
  FunctionInfo,
  FunctionType,
} from "./types.js";

/** "mod/path.js:fn", "mod/path:fn" or "mod/path" (its default export) → "mod/path:fn". */
export function canonicalName(name: string): string {
  const colon = name.lastIndexOf(":");
  const module = colon === -1 ? name : name.slice(0, colon);
  const fn = colon === -1 ? "default" : name.slice(colon + 1);
  return `${module.replace(/\.js$/, "")}:${fn}`;
}

export function moduleOf(name: string): string {
  return `${name.slice(0, name.lastIndexOf(":"))}.js`;
}

export function exportOf(name: string): string {
  return name.slice(name.lastIndexOf(":") + 1);
}

/** "mod/path.js:fn": how Convex's messages write a function. */
export function displayPath(name: string): string {
  return `${moduleOf(name)}:${exportOf(name)}`;
}

/** For messages: nothing for the app's own functions. */
export function inComponent(component: string): string {
  return component === "" ? "" : ` in component '${component}'`;
}

export function componentOf(
  app: App,
  path: string,
): ComponentInstance | undefined {
  return Object.hasOwn(app.components, path) ? app.components[path] : undefined;
}

export function findFunction(
  app: App,
  address: FunctionAddress,
): FunctionInfo | null {
  const instance = componentOf(app, address.component);
  if (instance === undefined) return null;
  const functions = app.definitions[instance.definitionPath]?.functions;
  if (functions === undefined || !Object.hasOwn(functions, address.name)) {
    return null;
  }
  return functions[address.name]!;
}

/** The three ways in which syscalls name a function. */
export interface SyscallAddress {
  name?: string | null;
  reference?: string | null;
  functionHandle?: string | null;
}

/** `method` is for messages: "runUdf", "scheduler", … */
export function resolveAddress(
  app: App,
  from: string,
  address: SyscallAddress,
  method: string,
): FunctionAddress {
  if (address.functionHandle != null) {
    return resolveHandle(app, address.functionHandle, method);
  }
  if (address.name != null) {
    return { component: from, name: canonicalName(address.name) };
  }
  if (address.reference != null) {
    return resolveReference(app, from, address.reference, method);
  }
  throw new SyscallError(
    `Invalid arguments for \`${method}\`: Missing required argument 'name'`,
  );
}

function resolveReference(
  app: App,
  from: string,
  reference: string,
  method: string,
): FunctionAddress {
  const [prefix, kind, ...rest] = reference.split("/");
  if (prefix !== "_reference" || rest.length === 0) {
    throw new SyscallError(
      `Invalid arguments for \`${method}\`: Invalid reference: ${reference}`,
    );
  }
  if (kind === "function") {
    return { component: from, name: canonicalName(rest.join("/")) };
  }
  if (kind !== "childComponent") {
    throw new SyscallError(
      `Invalid arguments for \`${method}\`: Invalid reference: ${reference}`,
    );
  }
  const [child, ...path] = rest as [string, ...string[]];
  const children = componentOf(app, from)?.children ?? {};
  if (!Object.hasOwn(children, child)) {
    throw new SyscallError(`Child component ${quoted(child)} not found`);
  }
  const address = {
    component: children[child]!,
    name: `${path.slice(0, -1).join("/")}:${path.at(-1) ?? "default"}`,
  };
  if (findFunction(app, address)?.visibility !== "public") {
    throw new SyscallError(
      `Child component ${quoted(child)} does not export [${path.map(quoted).join(", ")}]`,
    );
  }
  return address;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

const HANDLE_PREFIX = "function://";
/** A number no table has: a handle is never mistaken for a document's id. */
const HANDLE_TABLE_NUMBER = 1;

/**
 * Handles are derived from the function's place, so they need no table: one for
 * a function that is gone resolves to nothing, and revives with its function.
 */
export function createHandle(address: FunctionAddress): string {
  return `${HANDLE_PREFIX}${handleId(address)}#${address.name}`;
}

function handleId(address: FunctionAddress): string {
  const digest = createHash("sha256")
    .update(`${address.component}\0${address.name}`)
    .digest();
  return encodeId(HANDLE_TABLE_NUMBER, digest.subarray(0, 16));
}

const handlesOf = new WeakMap<App, Map<string, FunctionAddress>>();

function resolveHandle(
  app: App,
  handle: string,
  method: string,
): FunctionAddress {
  if (!handle.startsWith(HANDLE_PREFIX)) {
    throw new SyscallError(
      `Invalid arguments for \`${method}\`: Invalid function handle ${handle}`,
    );
  }
  let handles = handlesOf.get(app);
  if (handles === undefined) {
    handles = allHandles(app);
    handlesOf.set(app, handles);
  }
  const id = handle.slice(HANDLE_PREFIX.length).split("#")[0]!;
  const address = handles.get(id);
  if (address === undefined) {
    throw new SyscallError("Function handle not found");
  }
  return address;
}

function allHandles(app: App): Map<string, FunctionAddress> {
  const handles = new Map<string, FunctionAddress>();
  for (const component of Object.values(app.components)) {
    const definition = app.definitions[component.definitionPath];
    for (const name of Object.keys(definition?.functions ?? {})) {
      const address = { component: component.path, name };
      handles.set(handleId(address), address);
    }
  }
  return handles;
}

const TYPE_NAMES: Record<FunctionType, string> = {
  query: "Query",
  mutation: "Mutation",
  action: "Action",
  httpAction: "HttpAction",
};

export function typeName(type: FunctionType): string {
  return TYPE_NAMES[type];
}

/** The function, if it exists, is of this type, and `caller` (null: another function) may see it. */
export function requireFunction(
  app: App,
  address: FunctionAddress,
  type: FunctionType,
  caller: Caller | null,
): FunctionInfo {
  if (componentOf(app, address.component) === undefined) {
    throw new FunctionError(`Component path '${address.component}' not found`);
  }
  const info = findFunction(app, address);
  if (info === null || !mayCall(caller, address, info)) {
    throw new FunctionError(
      `Could not find public function for '${address.name}'${inComponent(address.component)}.`,
    );
  }
  if (info.type !== type) {
    throw new FunctionError(
      `Trying to execute ${displayPath(address.name)}${inComponent(address.component)} as ${typeName(type)}, but it is defined as ${typeName(info.type)}.`,
    );
  }
  return info;
}

function mayCall(
  caller: Caller | null,
  address: FunctionAddress,
  info: FunctionInfo,
): boolean {
  return (
    caller?.kind !== "client" ||
    (address.component === "" && info.visibility === "public")
  );
}

/** Checks shared by everything that schedules: mutations, actions, handles. */
import {
  componentOf,
  displayPath,
  exportOf,
  findFunction,
  inComponent,
  moduleOf,
} from "./app.js";
import type { JSONObject } from "../storage/types.js";
import { measureValue } from "../values/index.js";
import { SyscallError } from "./errors.js";
import type { App, FunctionAddress } from "./types.js";

/** Throws unless the function exists. Its arguments are only checked when it runs. */
export function checkSchedulable(
  app: App,
  address: FunctionAddress,
  verb: "schedule" | "create a handle of",
): void {
  if (findFunction(app, address) !== null) return;
  const instance = componentOf(app, address.component);
  const modules = app.definitions[instance?.definitionPath ?? ""]?.modules;
  const module = moduleOf(address.name);
  if (modules === undefined || !Object.hasOwn(modules, module)) {
    const component = address.component === "" ? "" : `${address.component} `;
    throw new SyscallError(
      `Attempted to ${verb} function at nonexistent path: ${component}${module}`,
    );
  }
  throw new SyscallError(
    `Attempted to ${verb} function, but no exported function ${exportOf(address.name)} found in the file: ${module}${inComponent(address.component)}. Did you forget to export it?`,
  );
}

/** Throws unless these can be kept until the function runs. */
export function checkSchedulableArguments(
  target: FunctionAddress,
  args: JSONObject,
): void {
  const refuse = (reason: string): never => {
    throw new SyscallError(
      `Invalid arguments for ${displayPath(target.name)}: ${reason}`,
    );
  };
  let pending = false;
  try {
    ({ pending } = measureValue([args]));
  } catch (error) {
    refuse((error as Error).message);
  }
  if (pending) {
    refuse("a commit timestamp has no value before its transaction commits");
  }
}

/** Syscalls carry times in seconds. */
export function millisecondsOf(ts: unknown): number {
  if (typeof ts !== "number" || !Number.isFinite(ts)) {
    throw new SyscallError(
      `Invalid argument \`ts\` for \`scheduler\`: expected a number of seconds, got ${JSON.stringify(ts)}`,
    );
  }
  // Seconds as floats lose the last bits of a millisecond.
  return Math.round(ts * 1e6) / 1e3;
}

/** Handles of functions, which the component calls them by. */
import {
  createFunctionHandle,
  type FunctionReference,
  type FunctionType,
  type FunctionVisibility,
  getFunctionAddress,
} from "convex/server";

type AnyReference = FunctionReference<
  FunctionType,
  FunctionVisibility,
  any,
  any
>;

/** Makes one handle of each reference, however often it is asked for. */
export class Handles {
  readonly #made = new Map<string, Promise<string>>();

  async of(fn: AnyReference): Promise<string> {
    if (isHandle(fn)) return fn;
    const address = JSON.stringify(getFunctionAddress(fn));
    const made = this.#made.get(address) ?? createFunctionHandle(fn);
    this.#made.set(address, made);
    return await made;
  }
}

/** Function handles are strings that the type system takes for references. */
export function isHandle(fn: unknown): fn is string {
  return typeof fn === "string" && fn.startsWith("function://");
}

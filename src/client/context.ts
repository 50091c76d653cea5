/** What the client needs of a Convex context, so that wrapped ones fit too. */
import {
  type FunctionReference,
  type FunctionType,
  type FunctionVisibility,
  type GenericActionCtx,
  type GenericDataModel,
  type GenericMutationCtx,
  type GenericQueryCtx,
  getFunctionAddress,
  getFunctionName,
} from "convex/server";
import { refuse, show } from "../component/refusal.js";

export type QueryCtx = Pick<GenericQueryCtx<GenericDataModel>, "runQuery">;
export type MutationCtx = Pick<
  GenericMutationCtx<GenericDataModel>,
  "runQuery" | "runMutation"
>;
export type ActionCtx = Pick<
  GenericActionCtx<GenericDataModel>,
  "runQuery" | "runMutation" | "runAction"
>;

/** Queries have no way to write, and JavaScript's words for that help nobody. */
export function checkWritable(ctx: MutationCtx | ActionCtx): void {
  if (typeof ctx?.runMutation !== "function") {
    throw new Error(
      "This call needs the ctx of a mutation or an action as its first argument.",
    );
  }
}

export function checkFunction(option: string, fn: unknown): void {
  try {
    getFunctionAddress(fn);
  } catch {
    refuse(
      option,
      "a function reference, like internal.emails.send, or a handle of one",
      fn,
    );
  }
}

/**
 * Throws unless `component` can be called like `components.workpool`. An object
 * with functions of its own passes too: apps may wrap those of the component.
 */
export function checkComponent(component: unknown): void {
  if (isMounted(component) || isWrapper(component)) return;
  throw new Error(
    `Workpool needs a component that is mounted, like components.workpool, not ${show(component)}. ` +
      'Mount it in convex/convex.config.ts: import workpool from "convex-workpool/convex.config", and call app.use(workpool) there, ' +
      'or app.use(workpool, { name: "emails" }) for a pool called components.emails. ' +
      "Then run npx convex dev, and import components from ./_generated/api.",
  );
}

/** References to functions of the app, like `api.workpool`, have a name instead. */
function isMounted(component: unknown): boolean {
  try {
    return getFunctionAddress(component).reference !== undefined;
  } catch {
    return false;
  }
}

/** References answer to every name, without having any. */
function isWrapper(component: unknown): boolean {
  if (typeof component !== "object" || component === null) return false;
  if (!("lib" in component)) return false;
  try {
    const { enqueue } = component.lib as { enqueue?: unknown };
    return getFunctionAddress(enqueue) !== undefined;
  } catch {
    return false;
  }
}

/** A name for logs; functions of other components have a reference and no name. */
export function nameOf(
  fn: FunctionReference<FunctionType, FunctionVisibility>,
): string {
  const address = getFunctionAddress(fn);
  return (
    address.name ??
    address.reference ??
    address.functionHandle ??
    getFunctionName(fn)
  );
}

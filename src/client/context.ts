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
import { refuse } from "../component/validate.js";

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

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

export type QueryCtx = Pick<GenericQueryCtx<GenericDataModel>, "runQuery">;
export type MutationCtx = Pick<
  GenericMutationCtx<GenericDataModel>,
  "runQuery" | "runMutation"
>;
export type ActionCtx = Pick<
  GenericActionCtx<GenericDataModel>,
  "runQuery" | "runMutation" | "runAction"
>;

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

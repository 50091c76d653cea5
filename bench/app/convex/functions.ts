/** The builders and references that `npx convex codegen` would write, without code generation. */
import type { ComponentApi as PeerApi } from "@convex-dev/workpool/_generated/component.js";
import {
  actionGeneric,
  type ActionBuilder,
  anyApi,
  componentsGeneric,
  type DataModelFromSchemaDefinition,
  type GenericMutationCtx,
  httpActionGeneric,
  internalActionGeneric,
  internalMutationGeneric,
  internalQueryGeneric,
  type MutationBuilder,
  mutationGeneric,
  type QueryBuilder,
  queryGeneric,
} from "convex/server";
import type { ComponentApi } from "../../../src/component/_generated/component.js";
import type schema from "./schema.js";

type DataModel = DataModelFromSchemaDefinition<typeof schema>;
export type MutationCtx = GenericMutationCtx<DataModel>;

export const query = queryGeneric as QueryBuilder<DataModel, "public">;
export const mutation = mutationGeneric as MutationBuilder<DataModel, "public">;
export const action = actionGeneric as ActionBuilder<DataModel, "public">;
export const httpAction = httpActionGeneric;
export const internalQuery = internalQueryGeneric as QueryBuilder<
  DataModel,
  "internal"
>;
export const internalMutation = internalMutationGeneric as MutationBuilder<
  DataModel,
  "internal"
>;
export const internalAction = internalActionGeneric as ActionBuilder<
  DataModel,
  "internal"
>;

export const internal = anyApi;
export const components = componentsGeneric() as unknown as {
  workpool: ComponentApi;
  peer: PeerApi;
};

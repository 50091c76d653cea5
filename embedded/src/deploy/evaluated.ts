/** What evaluating pushed code yields, in the shapes the CLI reads back. */
import type { JSONValue } from "../storage/types.js";
import type { HttpRoute, ModuleSource } from "../runtime/types.js";

export interface EnvBinding {
  type: "value" | "envVar";
  /** The value itself, of type "value". */
  value?: string;
  /** The parent's variable, of type "envVar". */
  name?: string;
}

export interface ChildInstantiation {
  name: string;
  path: string;
  args: unknown[];
  env: [string, EnvBinding][] | null;
}

export interface EnvDeclaration {
  type: "value";
  /** Validator JSON, serialized. */
  value: string;
  optional?: boolean;
}

export type ExportNode =
  | { type: "leaf"; leaf: string }
  | { type: "branch"; branch: [string, ExportNode][] };

export interface DefinitionMetadata {
  path: string;
  definitionType:
    { type: "app" } | { type: "childComponent"; name: string; args: unknown[] };
  httpPrefix?: string;
  childComponents: ChildInstantiation[];
  httpMounts: Record<string, string>;
  exports: { type: "branch"; branch: [string, ExportNode][] };
  envVars?: [string, EnvDeclaration][] | null;
}

export interface AnalyzedFunction {
  name: string;
  pos: null;
  udfType: "Query" | "Mutation" | "Action";
  visibility: { kind: "public" } | { kind: "internal" } | null;
  /** Validator JSON, serialized; null: not validated. */
  args: string | null;
  returns: string | null;
}

export interface AnalyzedModule {
  functions: AnalyzedFunction[];
  httpRoutes: HttpRoute[] | null;
  cronSpecs: null;
  sourceMapped: null;
}

export interface AnalyzedIndex {
  indexDescriptor: string;
  fields: string[];
}

export interface AnalyzedTable {
  tableName: string;
  indexes: AnalyzedIndex[];
  /** Declared but not yet usable: built when the declaration stops being staged. */
  stagedDbIndexes: AnalyzedIndex[];
  documentType: JSONValue;
}

export interface AnalyzedSchema {
  tables: AnalyzedTable[];
  schemaValidation: boolean;
}

/** One definition (the app's has path ""), completely evaluated. */
export interface EvaluatedDefinition {
  definition: DefinitionMetadata;
  schema: AnalyzedSchema | null;
  /** By canonical module path ("messages.js"), chunks left out. */
  analysis: Record<string, AnalyzedModule>;
  modules: ModuleSource[];
  udfServerVersion: string;
}

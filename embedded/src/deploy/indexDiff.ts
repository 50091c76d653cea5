import type { AnalyzedIndex, AnalyzedSchema } from "./evaluated.js";

export interface IndexConfig {
  /** "table.index" */
  name: string;
  type: "database";
  fields: string[];
  staged?: boolean;
}

/** What a push does to the indexes of one component, as the CLI prints it. */
export interface IndexDiff {
  added_indexes: IndexConfig[];
  removed_indexes: IndexConfig[];
  enabled_indexes: IndexConfig[];
  disabled_indexes: IndexConfig[];
}

export function indexConfigs(
  schema: AnalyzedSchema | null | undefined,
): IndexConfig[] {
  return (schema?.tables ?? []).flatMap((table) => [
    ...table.indexes.map((index) => config(table.tableName, index, false)),
    ...table.stagedDbIndexes.map((index) =>
      config(table.tableName, index, true),
    ),
  ]);
}

function config(
  table: string,
  index: AnalyzedIndex,
  staged: boolean,
): IndexConfig {
  return {
    name: `${table}.${index.indexDescriptor}`,
    type: "database",
    fields: [...index.fields, "_creationTime"],
    staged,
  };
}

export function diffIndexes(
  before: AnalyzedSchema | null | undefined,
  after: AnalyzedSchema | null | undefined,
): IndexDiff {
  const old = indexConfigs(before);
  const next = indexConfigs(after);
  const same = (a: IndexConfig, b: IndexConfig) =>
    a.name === b.name && a.fields.join() === b.fields.join();
  const missingIn = (list: IndexConfig[]) => (index: IndexConfig) =>
    !list.some((other) => same(index, other));
  const stagedBefore = (index: IndexConfig) =>
    old.find((other) => same(index, other))?.staged;
  return {
    added_indexes: next.filter(missingIn(old)),
    removed_indexes: old.filter(missingIn(next)),
    enabled_indexes: next.filter(
      (index) => !index.staged && stagedBefore(index) === true,
    ),
    disabled_indexes: next.filter(
      (index) => index.staged && stagedBefore(index) === false,
    ),
  };
}

/** What the CLI is answered: all of it is read back by its own validators. */
import type { DeployedCode } from "./code.js";
import type { AnalyzedSchema, EvaluatedDefinition } from "./evaluated.js";
import type { EvaluatedPush } from "./evaluatePush.js";
import { diffIndexes, type IndexDiff } from "./indexDiff.js";
import { walk, type CheckedComponent } from "./mount.js";

export function startPushResponse(
  pushId: string,
  push: EvaluatedPush,
  deployed: DeployedCode,
  environment: Record<string, string>,
): unknown {
  return {
    environmentVariables: environment,
    externalDepsId: null,
    componentDefinitionPackages: {},
    appAuth: [],
    analysis: Object.fromEntries(
      Object.entries(push.definitions).map(([path, definition]) => [
        path,
        analysisOf(definition),
      ]),
    ),
    app: push.app,
    schemaChange: {
      pushId,
      allocatedComponentIds: {},
      schemaIds: {},
      indexDiffs: indexDiffs(deployed, push),
    },
  };
}

function analysisOf(definition: EvaluatedDefinition): unknown {
  return {
    definition: definition.definition,
    schema: schemaJson(definition.schema),
    functions: definition.analysis,
    udfConfig: {
      serverVersion: definition.udfServerVersion,
      importPhaseRngSeed: null,
      importPhaseUnixTimestamp: null,
    },
  };
}

/** Types are generated from it, in which every index ends in `_creationTime`. */
function schemaJson(schema: AnalyzedSchema | null): unknown {
  if (schema === null) return null;
  return {
    schemaValidation: schema.schemaValidation,
    tables: schema.tables.map((table) => ({
      tableName: table.tableName,
      indexes: table.indexes.map((index) => ({
        indexDescriptor: index.indexDescriptor,
        fields: [...index.fields, "_creationTime"],
      })),
      searchIndexes: [],
      vectorIndexes: [],
      documentType: table.documentType,
    })),
  };
}

/** The schema of each mounted component. */
export function schemasByPath(
  push: EvaluatedPush | null,
): Map<string, { definitionPath: string; schema: AnalyzedSchema | null }> {
  const components = push === null ? [] : [...walk(push.app)];
  return new Map(
    components.map(({ componentPath, definitionPath }) => [
      componentPath,
      {
        definitionPath,
        schema: push?.definitions[definitionPath]?.schema ?? null,
      },
    ]),
  );
}

export function indexDiffs(
  before: EvaluatedPush,
  after: EvaluatedPush | null,
): Record<string, IndexDiff> {
  const old = schemasByPath(before);
  return Object.fromEntries(
    [...schemasByPath(after)].map(([path, { schema }]) => [
      path,
      diffIndexes(old.get(path)?.schema, schema),
    ]),
  );
}

/** `after` is null for a dry run, which changes nothing. */
export function finishPushDiff(
  before: DeployedCode,
  after: DeployedCode | null,
): unknown {
  const diffs: Record<string, unknown> = {};
  if (after !== null) {
    const old = byPath(before);
    const next = byPath(after);
    for (const path of new Set([...old.keys(), ...next.keys()])) {
      diffs[path] = componentDiff(
        { code: before, component: old.get(path) },
        { code: after, component: next.get(path) },
      );
    }
  }
  return {
    authDiff: { added: [], removed: [] },
    definitionDiffs: {},
    componentDiffs: diffs,
  };
}

function byPath(code: DeployedCode): Map<string, CheckedComponent> {
  // Before the first push there is an app, but nothing was ever installed.
  if (code.version === 0) return new Map();
  return new Map(
    [...walk(code.app)].map((component) => [
      component.componentPath,
      component,
    ]),
  );
}

interface Side {
  code: DeployedCode;
  component: CheckedComponent | undefined;
}

function definitionOf(side: Side): EvaluatedDefinition | undefined {
  return side.component === undefined
    ? undefined
    : side.code.definitions[side.component.definitionPath];
}

function componentDiff(before: Side, after: Side): unknown {
  const old = definitionOf(before);
  const next = definitionOf(after);
  const paths = (definition: EvaluatedDefinition | undefined) =>
    (definition?.modules ?? []).map(({ path }) => path);
  const without = (list: string[], other: string[]) =>
    list.filter((path) => !other.includes(path));
  return {
    diffType: {
      type:
        next === undefined
          ? "unmount"
          : old === undefined
            ? "create"
            : "modify",
    },
    moduleDiff: {
      added: without(paths(next), paths(old)),
      removed: without(paths(old), paths(next)),
    },
    udfConfigDiff: null,
    cronDiff: { added: [], updated: [], deleted: [] },
    indexDiff: diffIndexes(old?.schema, next?.schema),
    schemaDiff: null,
  };
}

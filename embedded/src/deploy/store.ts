/**
 * Keeps the deployed code and the environment variables in the deployment's own
 * tables, so that a restart needs no push. Sources are stored once by hash, and
 * long texts in parts that fit into a document.
 */
import type { ModuleSource } from "../runtime/types.js";
import {
  DEPLOYMENT,
  type JSONObject,
  type StoredDocument,
  type TableDefinition,
  type Transaction,
} from "../storage/types.js";
import type { DeployedCode } from "./code.js";
import type { EvaluatedDefinition } from "./evaluated.js";
import { moduleHash } from "./evaluatePush.js";

export const DEPLOY_TABLES: TableDefinition[] = [
  {
    name: "code",
    documentType: null,
    indexes: [{ name: "by_part", fields: ["part"] }],
  },
  {
    name: "sources",
    documentType: null,
    indexes: [{ name: "by_hash", fields: ["hash", "part"] }],
  },
  {
    name: "environment",
    documentType: null,
    indexes: [{ name: "by_name", fields: ["name"] }],
  },
];

/** In UTF-16 units: at three bytes each still below the 1 MiB a document may have. */
const PART_LENGTH = 300_000;

interface StoredModule {
  path: string;
  environment: ModuleSource["environment"];
  hash: string;
}

type StoredCode = Omit<DeployedCode, "definitions"> & {
  definitions: Record<
    string,
    Omit<EvaluatedDefinition, "modules"> & { modules: StoredModule[] }
  >;
};

function all(
  transaction: Transaction,
  table: string,
  index: string,
): StoredDocument[] {
  const scan = transaction.scan(DEPLOYMENT, {
    table,
    index,
    range: [],
    order: "asc",
  });
  const documents: StoredDocument[] = [];
  for (let next = scan.next(); next !== null; next = scan.next()) {
    documents.push(next);
  }
  return documents;
}

/** Never cuts a surrogate pair: half of one would not survive UTF-8. */
function split(text: string): string[] {
  const parts: string[] = [];
  let start = 0;
  while (start < text.length) {
    let end = Math.min(start + PART_LENGTH, text.length);
    const last = text.charCodeAt(end - 1);
    if (end < text.length && last >= 0xd800 && last < 0xdc00) end -= 1;
    parts.push(text.slice(start, end));
    start = end;
  }
  return parts;
}

export function readCode(transaction: Transaction): DeployedCode | null {
  const parts = all(transaction, "code", "by_part");
  if (parts.length === 0) return null;
  const stored = JSON.parse(
    parts.map(({ value }) => value.text).join(""),
  ) as StoredCode;
  const sources = readSources(transaction);
  const definitions: Record<string, EvaluatedDefinition> = {};
  for (const [path, definition] of Object.entries(stored.definitions)) {
    definitions[path] = {
      ...definition,
      modules: definition.modules.map(({ path, environment, hash }) => {
        const content = sources.get(hash);
        if (content === undefined) {
          throw new Error(
            `The stored deployment lacks the source of ${path} (hash ${hash}). Push the app again into a fresh data directory.`,
          );
        }
        return { path, environment, ...content };
      }),
    };
  }
  return { ...stored, definitions };
}

type SourceContent = Pick<ModuleSource, "source" | "sourceMap">;

function readSources(transaction: Transaction): Map<string, SourceContent> {
  const texts = new Map<string, string>();
  for (const { value } of all(transaction, "sources", "by_hash")) {
    const hash = value.hash as string;
    texts.set(hash, (texts.get(hash) ?? "") + (value.text as string));
  }
  return new Map(
    [...texts].map(([hash, text]) => [hash, JSON.parse(text) as SourceContent]),
  );
}

export function writeCode(transaction: Transaction, code: DeployedCode): void {
  const wanted = new Map<string, SourceContent>();
  const stored: StoredCode = { ...code, definitions: {} };
  for (const [path, definition] of Object.entries(code.definitions)) {
    stored.definitions[path] = {
      ...definition,
      modules: definition.modules.map((module) => {
        const hash = moduleHash(module);
        wanted.set(hash, {
          source: module.source,
          sourceMap: module.sourceMap,
        });
        return { path: module.path, environment: module.environment, hash };
      }),
    };
  }
  const kept = new Set<string>();
  for (const document of all(transaction, "sources", "by_hash")) {
    const hash = document.value.hash as string;
    if (wanted.has(hash)) kept.add(hash);
    else transaction.remove(DEPLOYMENT, document.id);
  }
  for (const [hash, content] of wanted) {
    // Unchanged sources stay as they are: a push writes what it changes.
    if (kept.has(hash)) continue;
    insertParts(transaction, "sources", JSON.stringify(content), { hash });
  }
  for (const document of all(transaction, "code", "by_part")) {
    transaction.remove(DEPLOYMENT, document.id);
  }
  insertParts(transaction, "code", JSON.stringify(stored), {});
}

function insertParts(
  transaction: Transaction,
  table: string,
  text: string,
  fields: JSONObject,
): void {
  for (const [part, piece] of split(text).entries()) {
    transaction.insert(DEPLOYMENT, table, { ...fields, part, text: piece });
  }
}

export function readEnvironment(
  transaction: Transaction,
): Record<string, string> {
  return Object.fromEntries(
    all(transaction, "environment", "by_name").map(({ value }) => [
      value.name as string,
      value.value as string,
    ]),
  );
}

/** `value: null` removes the variable. */
export interface EnvChange {
  name: string;
  value: string | null;
}

export function writeEnvironment(
  transaction: Transaction,
  changes: EnvChange[],
): void {
  for (const { name, value } of changes) {
    const existing = all(transaction, "environment", "by_name").find(
      (document) => document.value.name === name,
    );
    if (existing !== undefined) transaction.remove(DEPLOYMENT, existing.id);
    if (value !== null) {
      transaction.insert(DEPLOYMENT, "environment", { name, value });
    }
  }
}

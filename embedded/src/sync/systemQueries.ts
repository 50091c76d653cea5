/**
 * The deployment's own queries, which the CLI subscribes to as an admin:
 * `convex env`, `convex data`, `convex function-spec`, and `convex dev` waiting
 * for a variable or a table to change.
 */
import type { Deployer } from "../deploy/deployer.js";
import type { FunctionOutcome, QueryOutcome } from "../runtime/types.js";
import {
  DEPLOYMENT,
  type Database,
  type JSONObject,
  type JSONValue,
  type Transaction,
  type Ts,
} from "../storage/types.js";
import type { QuerySpec } from "./queryCache.js";

interface Context {
  transaction: Transaction;
  /** The component asked about. */
  component: string;
  args: JSONObject;
}

type SystemQuery = (context: Context) => JSONValue;

export interface SystemQueries {
  run(spec: QuerySpec, at: Ts): QueryOutcome;
}

const DEFAULT_PAGE_SIZE = 100;

export function createSystemQueries(options: {
  database: Database;
  deployer(): Deployer;
  cloudUrl(): string;
}): SystemQueries {
  const { database, deployer } = options;

  const queries: Record<string, SystemQuery> = {
    "_system/cli/queryEnvironmentVariables:default": ({ transaction }) =>
      environment(transaction),
    "_system/cli/queryEnvironmentVariables:get": ({ transaction, args }) =>
      environment(transaction).find(({ name }) => name === args.name) ?? null,
    "_system/cli/convexUrl:cloudUrl": () => options.cloudUrl(),
    "_system/cli/modules:apiSpec": ({ component }) =>
      apiSpec(deployer(), component),
    "_system/cli/tables:default": ({ component }) => ({
      page: database
        .tables(component)
        .filter(({ name }) => !name.startsWith("_"))
        .map(({ name }) => ({ name })),
      isDone: true,
      continueCursor: "",
    }),
    "_system/cli/tableData:default": tableData,
    "_system/cli/tableSize:default": ({ transaction, component, args }) =>
      transaction.count(component, String(args.tableName)),
    "_system/cli/queryTable:default": ({ transaction, component, args }) => {
      documents(transaction, component, String(args.tableName));
      return null;
    },
    "_system/frontend/components:list": () =>
      Object.values(deployer().app.components).map(({ path }) => ({
        id: path,
        name: path.split("/").at(-1) ?? null,
        path,
        state: "active",
      })),
  };

  const evaluate = (
    spec: QuerySpec,
    transaction: Transaction,
  ): FunctionOutcome => {
    const query = Object.hasOwn(queries, spec.name)
      ? queries[spec.name]
      : undefined;
    if (!spec.admin || query === undefined) {
      return {
        ok: false,
        message: `Could not find public function for '${spec.name}'. The embedded deployment has only the system functions that the convex CLI needs, for admins.`,
        logLines: [],
      };
    }
    const { component, args } = spec;
    return {
      ok: true,
      value: query({ transaction, component, args }),
      logLines: [],
    };
  };

  return {
    run(spec, at) {
      const transaction = database.begin({
        at,
        limits: { documentsRead: Infinity, bytesRead: Infinity },
      });
      return {
        outcome: evaluate(spec, transaction),
        ts: at,
        readSet: transaction.readSet,
        journal: null,
      };
    },
  };
}

function documents(
  transaction: Transaction,
  namespace: string,
  table: string,
): JSONObject[] {
  const scan = transaction.scan(namespace, {
    table,
    index: "by_creation_time",
    range: [],
    order: "asc",
  });
  const found: JSONObject[] = [];
  for (let next = scan.next(); next !== null; next = scan.next()) {
    found.push(next.value);
  }
  return found;
}

function environment(
  transaction: Transaction,
): { name: string; value: string }[] {
  return documents(transaction, DEPLOYMENT, "environment")
    .map(({ name, value }) => ({
      name: name as string,
      value: value as string,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function tableData({ transaction, component, args }: Context): JSONValue {
  const { cursor, numItems } = (args.paginationOpts ?? {}) as {
    cursor?: string | null;
    numItems?: number;
  };
  const scan = transaction.scan(component, {
    table: String(args.table),
    index: "by_creation_time",
    range: [],
    order: args.order === "asc" ? "asc" : "desc",
    after: cursor ?? null,
  });
  const page: JSONValue[] = [];
  const wanted = numItems ?? DEFAULT_PAGE_SIZE;
  let isDone = false;
  while (page.length < wanted && !isDone) {
    const next = scan.next();
    if (next === null) isDone = true;
    else page.push(next.value);
  }
  return {
    page,
    isDone,
    continueCursor: isDone ? scan.endPosition : (scan.position ?? ""),
  };
}

function apiSpec(deployer: Deployer, component: string): JSONValue {
  const path = deployer.app.components[component]?.definitionPath ?? "";
  const analysis = deployer.code.definitions[path]?.analysis ?? {};
  const spec: JSONValue[] = [];
  for (const [modulePath, module] of Object.entries(analysis)) {
    for (const fn of module.functions) {
      spec.push({
        identifier: `${modulePath}:${fn.name}`,
        functionType: fn.udfType,
        visibility: fn.visibility ?? { kind: "public" },
        args: validator(fn.args),
        returns: validator(fn.returns),
      });
    }
    for (const route of module.httpRoutes ?? []) {
      spec.push({
        functionType: "HttpAction",
        method: route.method,
        path: route.path,
      });
    }
  }
  return spec;
}

function validator(json: string | null): JSONValue {
  const parsed = json === null ? null : (JSON.parse(json) as JSONValue);
  return parsed ?? { type: "any" };
}

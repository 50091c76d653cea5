/** The syscalls of queries and mutations. */
import {
  cancelJob,
  checkScheduledTime,
  insertJob,
  JOBS_TABLE,
  presentJob,
} from "../scheduler/jobs.js";
import type {
  JSONObject,
  JSONValue,
  Limits,
  StoredDocument,
} from "../storage/types.js";
import { encodeInt64, isObject, tableNumberOf } from "../values/index.js";
import { assertNoCommitTs, assertOperation, type Lacks } from "./abilities.js";
import { createHandle, resolveAddress, type SyscallAddress } from "./app.js";
import { SyscallError, notSupported } from "./errors.js";
import {
  checkSchedulable,
  checkSchedulableArguments,
  millisecondsOf,
} from "./scheduling.js";
import {
  QueryManager,
  readPage,
  tableOf,
  type Presented,
  type ScanAccess,
  type SerializedQuery,
} from "./queries.js";
import { unsupportedOperation } from "./unsupported.js";
import type { TransactionCall } from "./transactionCall.js";
import type { FunctionAddress } from "./types.js";

export type NestedType = "query" | "mutation" | "snapshotQuery";

export interface NestedCall {
  type: NestedType;
  address: FunctionAddress;
  args: JSONObject;
  limits: Partial<Limits> | undefined;
}

type Arguments = Record<string, unknown>;

/** Reads that wait together are answered together, in order. */
export function isRead(op: string): boolean {
  return op === "1.0/queryStreamNext" || op === "1.0/get";
}

export class TransactionSyscalls {
  private readonly queries = new QueryManager();
  private readonly access: ScanAccess;
  private systemTables: Set<number> | null = null;

  constructor(
    private readonly call: TransactionCall,
    private readonly runNested: (nested: NestedCall) => Promise<JSONValue>,
  ) {
    this.access = {
      scan: (request) => call.transaction.scan(this.namespace, request),
      present,
    };
  }

  private get namespace(): string {
    return this.call.address.component;
  }

  private get lacks(): Lacks {
    return this.call.context.lacks;
  }

  /** Answers in JSON text. */
  sync(op: string, args: Arguments): string {
    const { transaction } = this.call;
    assertOperation(this.lacks, "operation", op);
    switch (op) {
      case "1.0/queryStream": {
        const query = args.query as SerializedQuery;
        assertNoCommitTs(this.lacks, query, "queryStream", "query");
        checkReadable(tableOf(query), query);
        return JSON.stringify({
          queryId: this.queries.start(this.access, query),
        });
      }
      case "1.0/queryCleanup":
        return String(this.queries.cleanup(args.queryId as number));
      case "1.0/db/normalizeId":
        return JSON.stringify({
          id: transaction.normalizeId(
            this.namespace,
            args.table as string,
            args.idString as string,
          ),
        });
      case "1.0/getSnapshotTs":
        return JSON.stringify({ $integer: encodeInt64(transaction.beginTs) });
      default:
        throw new SyscallError(`Unknown operation ${op}`);
    }
  }

  /** What {@link isRead} names. */
  read(op: string, args: Arguments): string {
    if (op === "1.0/get") return this.get(args);
    const next = this.queries.next(args.queryId as number);
    return next === null
      ? '{"value":null,"done":true}'
      : `{"value":${next.json},"done":false}`;
  }

  /** All the others. */
  async async(op: string, args: Arguments): Promise<string> {
    const { transaction } = this.call;
    assertOperation(this.lacks, "async operation", op);
    switch (op) {
      case "1.0/queryPage":
        return JSON.stringify(this.page(args));
      case "1.0/count":
        return String(transaction.count(this.namespace, args.table as string));
      case "1.0/insert":
        return this.insert(args);
      case "1.0/shallowMerge":
        return this.write(args, "db.patch", (id, value, table) =>
          transaction.patch(this.namespace, id, value, table),
        );
      case "1.0/replace":
        return this.write(args, "db.replace", (id, value, table) =>
          transaction.replace(this.namespace, id, value, table),
        );
      case "1.0/remove":
        return this.write(
          { ...args, value: {} },
          "db.delete",
          (id, _value, table) => transaction.remove(this.namespace, id, table),
        );
      case "1.0/runUdf":
        return this.runUdf(args);
      case "1.0/createFunctionHandle":
        return JSON.stringify(this.functionHandle(args));
      case "1.0/schedule":
        return JSON.stringify(this.schedule(args));
      case "1.0/cancel_job":
        return this.cancelJob(args);
      case "1.0/getTransactionMetrics":
        return JSON.stringify(this.metrics());
      case "1.0/getFunctionMetadata":
        return JSON.stringify({
          name: this.call.address.name,
          componentPath: this.call.address.component,
        });
      case "1.0/getDeploymentMetadata":
        return JSON.stringify(this.call.context.deployment);
      case "1.0/getRequestMetadata":
        return JSON.stringify(this.requestMetadata());
      case "1.0/getUserIdentity":
        return "null";
      default:
        throw unsupportedOperation(op);
    }
  }

  private get(args: Arguments): string {
    const document = this.call.transaction.get(
      this.namespace,
      args.id as string,
      {
        table: optional(args.table),
        system: args.isSystem === true,
      },
    );
    return document === null ? "null" : present(document).json;
  }

  private page(args: Arguments): JSONValue {
    const query = args.query as SerializedQuery;
    if (this.namespace !== "") {
      throw new SyscallError(
        "paginate() is only supported in the app. Learn more at https://docs.convex.dev/components/authoring#pagination",
      );
    }
    checkReadable(tableOf(query), query);
    const { journal, transaction } = this.call;
    const page = readPage(
      this.access,
      {
        query,
        cursor: (args.cursor as string | null) ?? null,
        endCursor: (args.endCursor as string | null) ?? journal.previousEnd,
        pageSize: args.pageSize as number,
        maximumRowsRead: args.maximumRowsRead as number | null,
        maximumBytesRead: args.maximumBytesRead as number | null,
      },
      transaction.usage().remaining,
    );
    if (journal.nextEnd !== null) {
      throw new SyscallError(
        "This query or mutation function ran multiple paginated queries. Convex only supports a single paginated query in each function.",
      );
    }
    journal.nextEnd = page.continueCursor;
    return page as unknown as JSONValue;
  }

  private insert(args: Arguments): string {
    const table = args.table as string;
    assertNoCommitTs(this.lacks, args.value, "db.insert", "value");
    if (table.startsWith("_")) throw systemTableError();
    const id = this.call.transaction.insert(
      this.namespace,
      table,
      objectValue(args.value, "db.insert"),
    );
    return JSON.stringify({ _id: id });
  }

  private write(
    args: Arguments,
    method: string,
    write: (
      id: string,
      value: JSONObject,
      options: { table?: string },
    ) => StoredDocument,
  ): string {
    const id = args.id as string;
    this.refuseSystemTable(id);
    assertNoCommitTs(this.lacks, args.value, method, "value");
    return write(id, objectValue(args.value, method), {
      table: optional(args.table),
    }).json;
  }

  private refuseSystemTable(id: string): void {
    const number = tableNumberOf(id);
    if (number === null) return;
    this.systemTables ??= new Set(
      this.call.context.database
        .tables(this.namespace)
        .filter((table) => table.name.startsWith("_"))
        .map((table) => table.number),
    );
    if (this.systemTables.has(number)) throw systemTableError();
  }

  private async runUdf(args: Arguments): Promise<string> {
    const type = args.udfType as string;
    if (type === "snapshotQuery" && this.lacks.has("useStaleSnapshot")) {
      throw new SyscallError(
        'Invalid argument `udfType` for `runUdf`: Expected UdfType, got "snapshotQuery"',
      );
    }
    assertNoCommitTs(this.lacks, args.args, "runUdf", "args");
    if (type !== "query" && type !== "mutation" && type !== "snapshotQuery") {
      throw new SyscallError(
        `Only queries and mutations can be called as nested UDFs, got ${type}`,
      );
    }
    const value = await this.runNested({
      type,
      address: this.resolve(args, "runUdf"),
      args: objectValue(args.args, "runUdf", "args"),
      limits: this.lacks.has("transactionLimits")
        ? undefined
        : (args.transactionLimits as Partial<Limits> | undefined),
    });
    return JSON.stringify(value);
  }

  private resolve(args: Arguments, method: string): FunctionAddress {
    return resolveAddress(
      this.call.app,
      this.namespace,
      args as SyscallAddress,
      method,
    );
  }

  private functionHandle(args: Arguments): string {
    if (typeof args.functionHandle === "string") return args.functionHandle;
    const address = this.resolve(args, "createFunctionHandle");
    checkSchedulable(this.call.app, address, "create a handle of");
    return createHandle(address);
  }

  private schedule(args: Arguments): string {
    const { app, now, transaction, request, type } = this.call;
    if (type !== "mutation") {
      throw new SyscallError("Unknown async operation 1.0/schedule");
    }
    const target = this.resolve(args, "scheduler");
    const time = millisecondsOf(args.ts);
    checkScheduledTime(time, now);
    checkSchedulable(app, target, "schedule");
    const jobArgs = objectValue(args.args, "scheduler", "args");
    checkSchedulableArguments(target, jobArgs);
    return insertJob(transaction, {
      namespace: this.namespace,
      target,
      args: jobArgs,
      time,
      now,
      parent: request.scheduledJob,
    });
  }

  private cancelJob(args: Arguments): string {
    const { transaction, request, log, address, now } = this.call;
    const id = args.id as string;
    if (request.scheduledJob?.id === id) {
      log.add(
        address,
        "WARN",
        "A scheduled mutation canceling itself is deprecated and will throw an error in a future version of Convex.",
      );
      return "null";
    }
    cancelJob(transaction, this.namespace, id, now);
    return "null";
  }

  private metrics(): Record<string, { used: number; remaining: number }> {
    const { used, remaining } = this.call.transaction.usage();
    return Object.fromEntries(
      Object.entries(used).map(([name, value]) => [
        name,
        { used: value, remaining: remaining[name as keyof Limits] },
      ]),
    );
  }

  private requestMetadata(): JSONObject {
    const { type, request } = this.call;
    if (type !== "mutation") {
      throw new SyscallError("Cannot get request metadata in a Query");
    }
    return {
      ip: request.ip,
      userAgent: request.userAgent,
      requestId: request.requestId,
      scheduledFunctionId: request.scheduledJob?.id ?? null,
      authToken: null,
    };
  }
}

function present(document: StoredDocument): Presented {
  if (document.table !== JOBS_TABLE) return document;
  const value = presentJob(document);
  return { value, json: JSON.stringify(value) };
}

/** Of the system's tables functions see scheduled functions only, by id or in order of creation. */
function checkReadable(table: string, query: SerializedQuery): void {
  if (!table.startsWith("_")) return;
  if (table === "_storage") throw notSupported("file storage");
  const index =
    query.source.type === "IndexRange"
      ? query.source.indexName.slice(table.length + 1)
      : "by_creation_time";
  if (table !== JOBS_TABLE) {
    throw new SyscallError(`There is no system table ${table}.`);
  }
  if (index !== "by_id" && index !== "by_creation_time") {
    throw new SyscallError(`Index ${table}.${index} not found.`);
  }
}

function systemTableError(): SyscallError {
  return new SyscallError("System tables can only be accessed with db.system.");
}

function objectValue(
  value: unknown,
  method: string,
  name = "value",
): JSONObject {
  if (!isObject(value as JSONValue)) {
    throw new SyscallError(
      `Invalid argument \`${name}\` for \`${method}\`: Value must be an Object`,
    );
  }
  return value as JSONObject;
}

function optional(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

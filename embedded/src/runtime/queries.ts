/** The queries of one function call: streams of documents, and pages. */
import { createHash } from "node:crypto";
import type {
  JSONValue,
  RangeExpression,
  Scan,
  ScanRequest,
  StoredDocument,
} from "../storage/types.js";
import { SyscallError, notSupported } from "./errors.js";
import { matchesFilter } from "./filter.js";

const MAX_OPERATORS = 256;
/** A page should fit into an array value, which ends at 8,192 elements. */
const SOFT_MAX_PAGE_LENGTH = 6_144;

type Operator = { filter: JSONValue } | { limit: number };

type Source =
  | { type: "FullTableScan"; tableName: string; order: "asc" | "desc" | null }
  | {
      type: "IndexRange";
      indexName: string;
      range: RangeExpression[];
      order: "asc" | "desc" | null;
    }
  | { type: "Search"; indexName: string };

/** A query as `QueryImpl` of convex serializes it. */
export interface SerializedQuery {
  source: Source;
  operators: Operator[];
}

/** What a function may scan: decides on visibility and translates system tables' rows. */
export interface ScanAccess {
  scan(request: ScanRequest): Scan;
  /** The document as functions see it. */
  present(document: StoredDocument): Presented;
}

/** A document and the same as JSON text: syscalls answer in text. */
export interface Presented {
  value: JSONValue;
  json: string;
}

export function tableOf(query: SerializedQuery): string {
  const { source } = query;
  if (source.type === "FullTableScan") return source.tableName;
  return source.indexName.slice(0, source.indexName.indexOf("."));
}

function scanRequest(
  query: SerializedQuery,
  bounds: { after?: string | null; until?: string | null },
): ScanRequest {
  const { source } = query;
  switch (source.type) {
    case "FullTableScan":
      return {
        table: source.tableName,
        index: "by_creation_time",
        range: [],
        order: source.order ?? "asc",
        ...bounds,
      };
    case "IndexRange":
      return {
        table: tableOf(query),
        index: source.indexName.slice(source.indexName.indexOf(".") + 1),
        range: source.range,
        order: source.order ?? "asc",
        ...bounds,
      };
    case "Search":
      throw notSupported(`full text search (index ${source.indexName})`);
  }
}

/** Documents that pass the operators, one at a time. */
class Pipeline {
  readonly scan: Scan;
  rowsRead = 0;
  bytesRead = 0;
  private readonly taken: number[];

  constructor(
    private readonly access: ScanAccess,
    private readonly query: SerializedQuery,
    bounds: { after?: string | null; until?: string | null } = {},
  ) {
    if (query.operators.length > MAX_OPERATORS) {
      throw new SyscallError(
        `Query has too many operators: ${query.operators.length}. A query may have at most ${MAX_OPERATORS}.`,
      );
    }
    this.taken = query.operators.map(() => 0);
    this.scan = access.scan(scanRequest(query, bounds));
  }

  /** True when a limit leaves nothing more to return: the scan must not go on. */
  get limitReached(): boolean {
    return this.query.operators.some(
      (operator, i) => "limit" in operator && this.taken[i]! >= operator.limit,
    );
  }

  /** The next result; undefined for a row that a filter refused; null at the end. */
  step(): Presented | undefined | null {
    if (this.limitReached) return null;
    const row = this.scan.next();
    if (row === null) return null;
    this.rowsRead++;
    this.bytesRead += row.size;
    const document = this.access.present(row);
    for (const [i, operator] of this.query.operators.entries()) {
      if ("limit" in operator) {
        this.taken[i]!++;
      } else if (!matchesFilter(operator.filter, document.value)) {
        return undefined;
      }
    }
    return document;
  }

  next(): Presented | null {
    for (;;) {
      const result = this.step();
      if (result !== undefined) return result;
    }
  }
}

export class QueryManager {
  private readonly open = new Map<number, Pipeline>();
  private nextId = 0;

  start(access: ScanAccess, query: SerializedQuery): number {
    const id = this.nextId++;
    this.open.set(id, new Pipeline(access, query));
    return id;
  }

  /** The next document, or null at the end. */
  next(id: number): Presented | null {
    const pipeline = this.open.get(id);
    if (pipeline === undefined) {
      throw new SyscallError("in-progress query not found");
    }
    const document = pipeline.next();
    if (document === null) this.open.delete(id);
    return document;
  }

  cleanup(id: number): boolean {
    return this.open.delete(id);
  }
}

export interface PageRequest {
  query: SerializedQuery;
  cursor: string | null;
  endCursor: string | null;
  pageSize: number;
  maximumRowsRead?: number | null;
  maximumBytesRead?: number | null;
}

export interface Page {
  page: JSONValue[];
  isDone: boolean;
  continueCursor: string;
  splitCursor: string | null;
  pageStatus: "SplitRecommended" | "SplitRequired" | null;
}

/** `limits`: what one page may read when the caller does not say. */
export function readPage(
  access: ScanAccess,
  request: PageRequest,
  limits: { documentsRead: number; bytesRead: number },
): Page {
  checkPageRequest(request, limits.documentsRead);
  const { query } = request;
  const start = decodeCursor(query, request.cursor);
  const end = decodeCursor(query, request.endCursor);
  if (start === END) {
    return {
      page: [],
      isDone: true,
      continueCursor: encodeCursor(query, END),
      splitCursor: null,
      pageStatus: null,
    };
  }
  const pipeline = new Pipeline(access, query, {
    after: start,
    until: end === END ? null : end,
  });
  const maxRows = request.maximumRowsRead ?? limits.documentsRead;
  const maxBytes = request.maximumBytesRead ?? limits.bytesRead;
  const page: JSONValue[] = [];
  const positions: (string | null)[] = [];
  let exhausted = false;
  let pageStatus: Page["pageStatus"] = null;
  // With an end the page is everything up to it, however much that is by now.
  while (end !== null || page.length < request.pageSize) {
    if (pipeline.rowsRead >= maxRows || pipeline.bytesRead >= maxBytes) {
      pageStatus = "SplitRequired";
      break;
    }
    const document = pipeline.step();
    if (document === null) {
      exhausted = true;
      break;
    }
    positions.push(pipeline.scan.position);
    if (document !== undefined) page.push(document.value);
  }
  if (
    pageStatus === null &&
    (page.length > SOFT_MAX_PAGE_LENGTH ||
      pipeline.rowsRead > 0.75 * maxRows ||
      pipeline.bytesRead > 0.75 * maxBytes)
  ) {
    pageStatus = "SplitRecommended";
  }
  const position = end ?? (exhausted ? END : (pipeline.scan.position ?? END));
  const middle = positions[Math.floor((positions.length - 1) / 2)];
  return {
    page,
    isDone: position === END,
    continueCursor: encodeCursor(query, position),
    splitCursor:
      middle === undefined || middle === null
        ? null
        : encodeCursor(query, middle),
    pageStatus,
  };
}

function checkPageRequest(request: PageRequest, maximum: number): void {
  if (request.pageSize === 0) {
    throw new SyscallError("Must request at least 1 document while paginating");
  }
  if (request.pageSize > maximum) {
    throw new SyscallError(`Requested too many items: ${request.pageSize}`);
  }
  if (request.maximumRowsRead === 0 || request.maximumBytesRead === 0) {
    throw new SyscallError(
      "maximumRowsRead and maximumBytesRead must be greater than 0",
    );
  }
}

/** The position behind everything. */
const END = "end";

/** A cursor belongs to a query: it names its shape, and a position after which to go on. */
function encodeCursor(query: SerializedQuery, position: string): string {
  return Buffer.from(JSON.stringify([fingerprint(query), position])).toString(
    "base64url",
  );
}

function decodeCursor(
  query: SerializedQuery,
  cursor: string | null,
): string | null {
  if (cursor === null) return null;
  let decoded: unknown;
  try {
    decoded = JSON.parse(Buffer.from(cursor, "base64url").toString());
  } catch {
    throw new SyscallError("Failed to parse cursor");
  }
  if (
    !Array.isArray(decoded) ||
    decoded.length !== 2 ||
    typeof decoded[1] !== "string"
  ) {
    throw new SyscallError("Failed to parse cursor");
  }
  if (decoded[0] !== fingerprint(query)) {
    // By the data, usePaginatedQuery knows that it should begin anew.
    throw new SyscallError(
      "InvalidCursor: Tried to run a query starting from a cursor, but it looks like this cursor is from a different query.",
      { isConvexSystemError: true, paginationError: "InvalidCursor" },
    );
  }
  return decoded[1];
}

function fingerprint(query: SerializedQuery): string {
  return createHash("sha256")
    .update(JSON.stringify([query.source, query.operators]))
    .digest("base64")
    .slice(0, 12);
}

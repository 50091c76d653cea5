/**
 * What runs in the deployment (an {@link App}) and how it is called (a
 * {@link FunctionRunner}). The push endpoints build an App; the HTTP and sync
 * endpoints and the scheduler call functions.
 */
import type {
  JSONObject,
  JSONValue,
  ReadSet,
  SchemaDefinition,
  Transaction,
  Ts,
} from "../storage/types.js";

export interface ModuleSource {
  /** As pushed, for example "mod/path.js" or "_deps/XYZ.js". */
  path: string;
  source: string;
  sourceMap: string | null;
  environment: "isolate" | "node";
}

export type FunctionType = "query" | "mutation" | "action" | "httpAction";

export interface FunctionInfo {
  type: FunctionType;
  visibility: "public" | "internal";
  /** Validator JSON as the function's `exportArgs()` / `exportReturns()` say. */
  args: JSONValue;
  returns: JSONValue | null;
}

/** One mounted component. The app itself is the one with path "". */
export interface ComponentInstance {
  path: string;
  /** Key of {@link App.definitions}. */
  definitionPath: string;
  /** Values for the child's `process.env`; for the app, the deployment's variables. */
  env: Record<string, string>;
  /** Child name → component path. */
  children: Record<string, string>;
}

export interface HttpRoute {
  method: string;
  /** Exact path, or a prefix ending in "/*" as the router exports it. */
  path: string;
}

export interface ComponentDefinition {
  definitionPath: string;
  modules: Record<string, ModuleSource>;
  /** "mod/path:fn" (without ".js") → info. */
  functions: Record<string, FunctionInfo>;
  schema: SchemaDefinition | null;
  /** Routes of its http.ts, if it has one. */
  httpRoutes: HttpRoute[] | null;
}

export interface App {
  /** Increases with every push. */
  version: number;
  components: Record<string, ComponentInstance>;
  definitions: Record<string, ComponentDefinition>;
  /** Where components' http.ts are mounted: URL prefix → component path. "/" → "" is the app's own. */
  httpMounts: Record<string, string>;
}

/** Where a function is: a component path and "mod/path:fn". */
export interface FunctionAddress {
  component: string;
  name: string;
}

/** Who calls: decides which functions are visible. */
export type Caller =
  | { kind: "client" } /** public functions of the app only */
  | { kind: "admin" } /** anything */
  | { kind: "scheduler"; jobId: string; jobNamespace: string }
  | { kind: "httpAction" };

export type LogLine = {
  level: "DEBUG" | "LOG" | "INFO" | "WARN" | "ERROR";
  message: string;
  timestamp: number;
};

export type FunctionOutcome =
  | { ok: true; value: JSONValue; logLines: LogLine[] }
  | {
      ok: false;
      /** As Convex's dev deployments show it: "Uncaught Error: …\n    at …". */
      message: string;
      /** Convex JSON of a ConvexError's data. */
      data?: JSONValue;
      /** Overload and internal errors, as opposed to what the function did. */
      system?: boolean;
      /** Of a system error: "TooManyConcurrentRequests", "OptimisticConcurrencyControlFailure", … */
      code?: string;
      logLines: LogLine[];
    };

export interface QueryOutcome {
  outcome: FunctionOutcome;
  ts: Ts;
  readSet: ReadSet;
  /** Pagination end cursor, to be echoed by the client. */
  journal: string | null;
}

export interface MutationOutcome {
  outcome: FunctionOutcome;
  /** Commit timestamp, also of a failed one (its snapshot). */
  ts: Ts;
}

export interface CallRequest {
  address: FunctionAddress;
  /** The arguments object as Convex JSON. */
  args: JSONObject;
  caller: Caller;
  requestId?: string;
  ip?: string;
  userAgent?: string;
}

export interface FunctionRunner {
  /** `at`: a retained snapshot; default the latest. */
  query(
    request: CallRequest & { at?: Ts; journal?: string | null },
  ): Promise<QueryOutcome>;
  /**
   * With conflict retries as the caller's kind demands. `session` makes it
   * exactly-once per (sessionId, requestId): the outcome is recorded in the same
   * transaction and a repetition answers with it.
   */
  mutation(
    request: CallRequest & {
      session?: { sessionId: string; requestId: number };
    },
  ): Promise<MutationOutcome>;
  action(request: CallRequest): Promise<FunctionOutcome>;
  /** Routes the request to an http.ts; 404 when nothing matches. */
  httpAction(request: Request): Promise<Response>;
  /** What kind of function is this, for `/api/function` and `convex run`. Null: no such function. */
  describe(address: FunctionAddress): FunctionInfo | null;
}

/** What an observer learns of a run besides its function and its arguments. */
export interface ObservedRun {
  /** The id of the scheduled function in which all this happens. */
  scheduledId: string | null;
  /**
   * Ends an action there and then, as the death of its process does: nothing
   * of its code runs any more, nor of the actions that it called. The text is
   * what a scheduled function's row says of it. Null for queries and mutations.
   */
  kill: ((why: string) => void) | null;
  /** What a query or mutation runs in: the same for those nested in it. Null for actions. */
  transaction: Pick<Transaction, "usage"> | null;
}

/**
 * Told whenever the code of a function starts to run, also of a nested call and
 * of an attempt that will lose its race; what it returns is told of the end.
 * For benchmarks and simulations: counting costs no function calls.
 */
export type RunObserver = (
  address: FunctionAddress,
  args: JSONValue,
  run: ObservedRun,
) => (() => void) | null;

/**
 * Told whenever a client, an action or the scheduler calls a function, before the
 * deployment has found a place for it to run: once, however often a transaction
 * is tried. What it returns is told when the call is over, however it went. The
 * id is that of the scheduled function in which it happens.
 */
export type CallObserver = (
  address: FunctionAddress,
  args: JSONValue,
  scheduledId: string | null,
) => (() => void) | null;

/** Counters of one function, summed over calls. Everything `--stats` prints. */
export interface FunctionStats {
  /** Billed calls: from clients, actions and the scheduler. */
  calls: number;
  /** Nested calls inside a transaction. */
  subTransactions: number;
  errors: number;
  documentsRead: number;
  bytesRead: number;
  documentsWritten: number;
  bytesWritten: number;
  tombstonesScanned: number;
  scheduled: number;
  conflicts: number;
  retries: number;
}
/** Keys are `component/path|mod/path:fn` */
export type Stats = Record<string, FunctionStats>;

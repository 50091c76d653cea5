/** Calling functions over plain HTTP: what ConvexHttpClient and `convex run` do. */
import type {
  Caller,
  CallRequest,
  FunctionAddress,
  FunctionOutcome,
  FunctionRunner,
} from "../runtime/types.js";
import type { Database, Ts } from "../storage/types.js";
import { decodeTs, encodeTs } from "../sync/protocol.js";
import { parseArguments, parseFunctionPath } from "./arguments.js";
import { describe } from "./describe.js";
import { exportValue, parseFormat, type ValueFormat } from "./format.js";
import { ApiError, badRequest } from "./errors.js";
import { clientLogLines } from "./logLines.js";
import type { Handler, RequestInfo, Routes } from "./router.js";

/** Queries of one batch: each waits for a permit, and none may wait long. */
const MAX_BATCH = 1000;

export interface FunctionRoutesOptions {
  runner: FunctionRunner;
  database: Database;
}

interface Call {
  request: CallRequest;
  format: ValueFormat;
}

export function functionRoutes({
  runner,
  database,
}: FunctionRoutesOptions): Routes {
  const query = async (call: Call, at?: Ts): Promise<unknown> => {
    const { outcome } = await runner.query({
      ...call.request,
      ...(at === undefined ? {} : { at }),
    });
    return response(outcome, call.format);
  };

  const any = async (call: Call): Promise<unknown> => {
    const { address } = call.request;
    switch (runner.describe(address)?.type) {
      case "query":
        return query(call);
      case "mutation":
        return response(
          (await runner.mutation(call.request)).outcome,
          call.format,
        );
      case "action":
        return response(await runner.action(call.request), call.format);
      default:
        return response(notFound(address), call.format);
    }
  };

  const post =
    (run: (call: Call, body: Record<string, unknown>) => Promise<unknown>) =>
    async (info: RequestInfo): Promise<unknown> => {
      const body = objectBody(await info.json());
      return run(parseCall(body, info), body);
    };

  const routes: Record<string, Handler> = {
    "GET /api/query": (info) => {
      const { searchParams } = info.url;
      return query(
        parseCall(
          {
            path: searchParams.get("path"),
            args: parseArgsParameter(searchParams.get("args")),
            format: searchParams.get("format") ?? undefined,
          },
          info,
        ),
      );
    },
    "POST /api/query": post((call) => query(call)),
    "POST /api/query_ts": async () => ({ ts: encodeTs(database.latestTs) }),
    "POST /api/query_at_ts": post((call, body) => {
      const at = decodeTs(body.ts);
      if (at > database.latestTs) {
        throw badRequest(
          "InvalidTimestamp",
          `The timestamp ${at} lies ahead of the latest one, ${database.latestTs}. Ask /api/query_ts for one.`,
        );
      }
      if (!database.retains(at)) {
        throw badRequest(
          "InvalidTimestamp",
          `The timestamp ${at} is too old: the snapshot is no longer kept. Ask /api/query_ts for a new one.`,
        );
      }
      return query(call, at);
    }),
    "POST /api/query_batch": async (info) => {
      const { queries } = objectBody(await info.json());
      if (!Array.isArray(queries)) {
        throw badRequest("InvalidBody", '"queries" must be an array.');
      }
      if (queries.length > MAX_BATCH) {
        throw badRequest(
          "TooManyQueries",
          `A batch may have up to ${MAX_BATCH} queries, not ${queries.length}.`,
        );
      }
      const at = database.latestTs;
      const calls = queries.map((each) => parseCall(objectBody(each), info));
      return {
        results: await Promise.all(calls.map((call) => query(call, at))),
      };
    },
    "POST /api/mutation": post(async (call) =>
      response((await runner.mutation(call.request)).outcome, call.format),
    ),
    "POST /api/action": post(async (call) =>
      response(await runner.action(call.request), call.format),
    ),
    "POST /api/function": post((call) => any(call)),
  };
  return {
    exact: routes,
    prefixes: {
      "POST /api/run/": async (info) => {
        const parts = info.url.pathname
          .slice("/api/run/".length)
          .split("/")
          .map(decodeSegment);
        const name = parts.pop();
        if (name === undefined || parts.length === 0) {
          throw badRequest(
            "MissingIdentifier",
            "Path or function name not provided in path, e.g. /api/run/messages/list",
          );
        }
        const body = objectBody(await info.json());
        return any(
          parseCall({ ...body, path: `${parts.join("/")}:${name}` }, info),
        );
      },
    },
  };
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest(
      "InvalidUrl",
      `${describe(segment)} is not encoded as a URL should be.`,
    );
  }
}

/** In the words by which the CLI knows that it should list the functions there are. */
function notFound({ component, name }: FunctionAddress): FunctionOutcome {
  const where = component === "" ? "" : ` in component '${component}'`;
  return {
    ok: false,
    message: `Could not find function for '${name}'${where}. Did you forget to run \`npx convex dev\`?`,
    logLines: [],
  };
}

function objectBody(body: unknown): Record<string, unknown> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw badRequest("InvalidBody", "The request's body must be an object.");
  }
  return body as Record<string, unknown>;
}

function parseArgsParameter(args: string | null): unknown {
  try {
    return JSON.parse(args ?? "{}") as unknown;
  } catch (error) {
    throw badRequest(
      "InvalidArguments",
      `The parameter "args" is not JSON: ${(error as Error).message}`,
    );
  }
}

function parseCall(body: Record<string, unknown>, info: RequestInfo): Call {
  const caller = info.caller();
  const { ip, userAgent } = info;
  return {
    format: parseFormat(body.format, info.clientVersion),
    request: {
      address: {
        component: componentPath(body.componentPath, caller),
        name: parseFunctionPath(body.path),
      },
      args: parseArguments(body.args),
      caller,
      ...(ip === null ? {} : { ip }),
      ...(userAgent === null ? {} : { userAgent }),
    },
  };
}

function componentPath(path: unknown, caller: Caller): string {
  if (path === undefined || path === null || path === "") return "";
  if (typeof path !== "string") {
    throw badRequest(
      "InvalidComponentPath",
      '"componentPath" must be a string.',
    );
  }
  if (caller.kind !== "admin") {
    throw new ApiError(
      403,
      "Unauthorized",
      "Only admin or system users can call functions on non-root components directly",
    );
  }
  return path;
}

function response(outcome: FunctionOutcome, format: ValueFormat): unknown {
  const logLines = clientLogLines(outcome.logLines);
  if (outcome.ok) {
    return {
      status: "success",
      value: exportValue(outcome.value, format),
      logLines,
    };
  }
  if (outcome.system === true) {
    const code = outcome.code ?? "InternalServerError";
    throw new ApiError(
      code === "InternalServerError" ? 500 : 503,
      code,
      outcome.message,
    );
  }
  return {
    status: "error",
    errorMessage: outcome.message,
    ...(outcome.data === undefined
      ? {}
      : { errorData: exportValue(outcome.data, format) }),
    logLines,
  };
}

/** The FunctionRunner: what the HTTP and sync endpoints call. */
import { canonicalName, findFunction } from "./app.js";
import type { RequestContext, RuntimeContext } from "./context.js";
import { FunctionError } from "./errors.js";
import type { Executor } from "./executor.js";
import {
  asFailure,
  type Failure,
  type Invocation,
  type Result,
} from "./invocation.js";
import { CallLog } from "./log.js";
import { matchRoute } from "./router.js";
import { onceFor } from "./sessions.js";
import type {
  CallRequest,
  FunctionAddress,
  FunctionOutcome,
  FunctionRunner,
  LogLine,
} from "./types.js";

export function createRunner(
  context: RuntimeContext,
  executor: Executor,
): FunctionRunner {
  return {
    async query({ at, journal, ...request }) {
      const invocation = invocationOf(context, request);
      const run = await executor.query(invocation, {
        ...(at === undefined ? {} : { at }),
        journal: journal ?? null,
      });
      const { ts, readSet } = run;
      return {
        outcome: outcomeOf(run.result, invocation.log.lines),
        ts,
        readSet,
        journal: run.journal,
      };
    },

    async mutation({ session, ...request }) {
      const invocation = invocationOf(context, request);
      const run = await executor.mutation(
        invocation,
        session === undefined ? {} : onceFor(session),
      );
      return {
        outcome: outcomeOf(run.result, invocation.log.lines),
        ts: run.ts,
      };
    },

    async action(request) {
      const invocation = invocationOf(context, request);
      let result: Result;
      try {
        result = {
          ok: true,
          value: await executor.action(invocation, "root"),
        };
      } catch (error) {
        result = { ok: false, error: asFailure(error) };
      }
      return outcomeOf(result, invocation.log.lines);
    },

    async httpAction(request) {
      const app = context.getApp();
      const { pathname } = new URL(request.url);
      const match = matchRoute(app, request.method, pathname);
      if (match === null) return noRoute();
      const invocation = invocationOf(context, {
        address: { component: match.component, name: "http:default" },
        args: {},
        caller: { kind: "httpAction" },
        userAgent: request.headers.get("user-agent") ?? undefined,
      });
      try {
        const response = await executor.httpAction(
          invocation,
          request,
          match.path,
        );
        return response ?? noRoute();
      } catch (error) {
        return failedResponse(asFailure(error), invocation);
      }
    },

    describe(address) {
      return findFunction(context.getApp(), canonical(address));
    },
  };
}

function canonical(address: FunctionAddress): FunctionAddress {
  return {
    component: address.component,
    name: canonicalName(address.name),
  };
}

function invocationOf(
  context: RuntimeContext,
  request: CallRequest,
): Invocation {
  return {
    app: context.getApp(),
    address: canonical(request.address),
    args: request.args,
    caller: request.caller,
    request: {
      requestId: request.requestId ?? newRequestId(context),
      ip: request.ip ?? null,
      userAgent: request.userAgent ?? null,
      scheduledJob: null,
    },
    log: new CallLog(context),
  };
}

export function newRequestId(context: RuntimeContext): string {
  return Buffer.from(context.randomness.bytes(8)).toString("hex");
}

export function systemRequest(
  context: RuntimeContext,
  scheduledJob: RequestContext["scheduledJob"],
): RequestContext {
  return {
    requestId: newRequestId(context),
    ip: null,
    userAgent: null,
    scheduledJob,
  };
}

function outcomeOf(result: Result, logLines: LogLine[]): FunctionOutcome {
  if (result.ok) return { ok: true, value: result.value, logLines };
  const { error } = result;
  return error instanceof FunctionError
    ? {
        ok: false,
        message: error.display,
        ...(error.data === undefined ? {} : { data: error.data }),
        logLines,
      }
    : {
        ok: false,
        message: error.message,
        system: true,
        code: error.code,
        logLines,
      };
}

function noRoute(): Response {
  return new Response("No matching routes found", { status: 404 });
}

function failedResponse(error: Failure, { request }: Invocation): Response {
  const overloaded =
    !(error instanceof FunctionError) &&
    error.code === "TooManyConcurrentRequests";
  return Response.json(
    overloaded
      ? { code: error.code, message: error.message }
      : {
          code: `[Request ID: ${request.requestId}] Server Error`,
          trace:
            error instanceof FunctionError
              ? error.display.trimEnd()
              : error.message,
        },
    { status: overloaded ? 503 : 500 },
  );
}

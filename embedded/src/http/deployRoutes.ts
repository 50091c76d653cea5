/** What the official CLI needs: pushes, environment variables, and who is there. */
import type { Deployer } from "../deploy/deployer.js";
import type { EnvChange } from "../deploy/store.js";
import { describe } from "./describe.js";
import { badRequest } from "./errors.js";
import type { FunctionLog } from "./functionLog.js";
import {
  TextReply,
  type Handler,
  type RequestInfo,
  type Routes,
} from "./router.js";

export interface DeployRoutesOptions {
  deployer: Deployer;
  log: FunctionLog;
  name: string;
  urls(): { url: string; siteUrl: string };
}

/** Requests that make sense, for features that are not here. */
const UNSUPPORTED: Record<string, string> = {
  "/api/export/": "snapshot export",
  "/api/import/": "snapshot import",
  "/api/perform_import": "snapshot import",
  "/api/storage/": "file storage",
  "/api/run_test_function": "running ad-hoc queries",
};

export function deployRoutes(options: DeployRoutesOptions): Routes {
  const { deployer, log, name, urls } = options;

  const admin =
    (run: (body: unknown) => unknown): Handler =>
    async (info) => {
      const body = await info.json();
      info.requireAdmin(body);
      return run(body);
    };
  const adminGet =
    (run: (info: RequestInfo) => unknown): Handler =>
    (info) => {
      info.requireAdmin();
      return run(info);
    };

  const updateEnvironment = admin((body) => {
    deployer.updateEnvironment(parseEnvChanges(body));
    return null;
  });
  const streamLogs = adminGet((info) =>
    log.since(
      parseCursor(info.url.searchParams.get("cursor")),
      info.disconnected,
    ),
  );

  const unsupported = Object.entries(UNSUPPORTED).flatMap(([path, feature]) =>
    ["GET", "POST"].map((method): [string, Handler] => [
      `${method} ${path}`,
      () => {
        throw badRequest(
          "NotSupported",
          `The embedded deployment does not have ${feature}. Use Convex Cloud or a self-hosted backend.`,
        );
      },
    ]),
  );

  return {
    exact: {
      "GET /": () =>
        new TextReply(
          "This is an embedded Convex deployment for development. See https://docs.convex.dev/.",
        ),
      "GET /version": () => new TextReply("embedded"),
      "GET /instance_name": () => new TextReply(name),
      "GET /instance_version": () => new TextReply("embedded"),
      "GET /api/v1/get_canonical_urls": adminGet(() => ({
        convexCloudUrl: urls().url,
        convexSiteUrl: urls().siteUrl,
      })),
      "POST /api/check_admin_key": admin(() => ({ success: true })),
      "POST /api/get_config_hashes": admin(() => deployer.configHashes()),
      "POST /api/deploy2/start_push": admin((body) => deployer.startPush(body)),
      "POST /api/deploy2/evaluate_push": admin((body) =>
        deployer.evaluatePush(body),
      ),
      "POST /api/deploy2/evaluate_schema": admin((body) =>
        deployer.evaluateSchema(body),
      ),
      "POST /api/deploy2/wait_for_schema": admin((body) =>
        deployer.waitForSchema(body),
      ),
      "POST /api/deploy2/finish_push": admin((body) =>
        deployer.finishPush(body),
      ),
      // Traces of the CLI, of which nothing is made here.
      "POST /api/deploy2/report_push_completed": admin(() => null),
      "POST /api/update_environment_variables": updateEnvironment,
      "POST /api/v1/update_environment_variables": updateEnvironment,
      "GET /api/v1/list_environment_variables": adminGet(() => ({
        environmentVariables: deployer.environment,
      })),
      "GET /api/stream_function_logs": streamLogs,
      "GET /api/stream_udf_execution": streamLogs,
    },
    prefixes: Object.fromEntries(unsupported),
  };
}

function parseCursor(cursor: string | null): number {
  const parsed = Number(cursor ?? 0);
  if (!Number.isFinite(parsed) || parsed < 0) {
    throw badRequest(
      "InvalidCursor",
      `The cursor must be a number of at least 0, as the answer before gave it, not ${describe(cursor)}.`,
    );
  }
  return parsed;
}

function parseEnvChanges(body: unknown): EnvChange[] {
  const changes = (body as { changes?: unknown } | null)?.changes;
  if (!Array.isArray(changes)) {
    throw badRequest("InvalidBody", '"changes" must be an array.');
  }
  return changes.map((change: unknown) => {
    const { name, value } = (change ?? {}) as {
      name?: unknown;
      value?: unknown;
    };
    if (
      typeof name !== "string" ||
      (typeof value !== "string" && value !== null && value !== undefined)
    ) {
      throw badRequest(
        "InvalidBody",
        `Every change must have a "name" and a "value" that is a string, or null to remove the variable.`,
      );
    }
    return { name, value: value ?? null };
  });
}

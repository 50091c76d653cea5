/** What sessions need of the deployment. */
import { refuseUserToken } from "../http/identity.js";
import type {
  Caller,
  FunctionAddress,
  FunctionOutcome,
  FunctionRunner,
  MutationOutcome,
  QueryOutcome,
} from "../runtime/types.js";
import type { Clock } from "../seams.js";
import type { Database, Ts } from "../storage/types.js";
import type { FunctionCall } from "./protocol.js";
import { QueryCache, type QuerySpec } from "./queryCache.js";
import type { SystemQueries } from "./systemQueries.js";

export interface SyncBackend {
  readonly clock: Clock;
  readonly queries: QueryCache;
  latestTs(): Ts;
  mutation(
    call: FunctionCall,
    caller: Caller,
    sessionId: string | null,
  ): Promise<MutationOutcome>;
  action(
    call: FunctionCall,
    caller: Caller,
    sessionId: string | null,
  ): Promise<FunctionOutcome>;
  authenticate(token: {
    tokenType: "Admin" | "User" | "None";
    value: string;
    impersonating: boolean;
  }): { caller: Caller } | { error: string };
  onInternalError(error: unknown): void;
}

export interface SyncBackendOptions {
  clock: Clock;
  database: Database;
  runner: FunctionRunner;
  systemQueries: SystemQueries;
  isAdminKey(key: string): boolean;
  onInternalError(error: unknown): void;
}

const ADMIN: Caller = { kind: "admin" };
const CLIENT: Caller = { kind: "client" };

const NOT_FOR_CLIENTS =
  "Only admin or system users can call functions on non-root components directly";

function refused(): FunctionOutcome {
  return { ok: false, message: NOT_FOR_CLIENTS, logLines: [] };
}

function addressOf({ name, componentPath }: FunctionCall): FunctionAddress {
  return { component: componentPath ?? "", name };
}

export function createSyncBackend(options: SyncBackendOptions): SyncBackend {
  const { clock, database, runner, systemQueries } = options;

  const runQuery = async (spec: QuerySpec, at: Ts): Promise<QueryOutcome> => {
    if (spec.name.startsWith("_system/")) {
      return systemQueries.run(spec, at);
    }
    if (spec.component !== "" && !spec.admin) {
      return {
        outcome: refused(),
        ts: at,
        readSet: database.begin({ at }).readSet,
        journal: null,
      };
    }
    return runner.query({
      address: { component: spec.component, name: spec.name },
      args: spec.args,
      caller: spec.admin ? ADMIN : CLIENT,
      at,
      journal: spec.journal,
    });
  };

  return {
    clock,
    queries: new QueryCache(database, runQuery),
    latestTs: () => database.latestTs,
    async mutation(call, caller, sessionId) {
      const address = addressOf(call);
      if (address.component !== "" && caller.kind !== "admin") {
        return { outcome: refused(), ts: database.latestTs };
      }
      return runner.mutation({
        address,
        args: call.args,
        caller,
        ...(sessionId === null
          ? {}
          : { session: { sessionId, requestId: call.requestId } }),
      });
    },
    async action(call, caller) {
      const address = addressOf(call);
      if (address.component !== "" && caller.kind !== "admin") return refused();
      return runner.action({ address, args: call.args, caller });
    },
    authenticate({ tokenType, value, impersonating }) {
      switch (tokenType) {
        case "None":
          return { caller: CLIENT };
        case "User":
          return { error: refuseUserToken() };
        case "Admin":
          if (impersonating) return { error: refuseUserToken() };
          return options.isAdminKey(value)
            ? { caller: ADMIN }
            : { error: "The provided admin key was invalid for this instance" };
      }
    },
    onInternalError: (error) => options.onInternalError(error),
  };
}

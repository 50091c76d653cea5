/** The syscalls of actions: calls and scheduling, each a transaction of its own. */
import { cancelJob, checkScheduledTime, insertJob } from "../scheduler/jobs.js";
import type { JSONObject, JSONValue } from "../storage/types.js";
import { isObject } from "../values/index.js";
import type { ActionCall } from "./actionFunction.js";
import { assertOperation } from "./abilities.js";
import { createHandle, resolveAddress, type SyscallAddress } from "./app.js";
import { SyscallError } from "./errors.js";
import { unwrap, type Executions } from "./invocation.js";
import {
  checkSchedulable,
  checkSchedulableArguments,
  millisecondsOf,
} from "./scheduling.js";
import type { FunctionAddress } from "./types.js";
import { unsupportedOperation } from "./unsupported.js";

export async function actionSyscall(
  executor: Executions,
  call: ActionCall,
  op: string,
  args: Record<string, unknown>,
): Promise<string> {
  const { context, app, address, request } = call;
  const resolve = (method: string): FunctionAddress =>
    resolveAddress(
      // Handles live as long as their function; references belong to the code that holds them.
      typeof args.functionHandle === "string" ? context.getApp() : app,
      address.component,
      args as SyscallAddress,
      method,
    );
  const invocation = (method: string) => ({
    // What is deployed now, not when the action began: calls reach the newest code.
    app: context.getApp(),
    address: resolve(method),
    args: objectArguments(args.args, method),
    caller: null,
    request,
    log: call.log,
  });
  assertOperation(context.lacks, "async operation", op);
  switch (op) {
    case "1.0/actions/query":
      return text(unwrap(await executor.query(invocation("runQuery"))));
    case "1.0/actions/mutation":
      return text(unwrap(await executor.mutation(invocation("runMutation"))));
    case "1.0/actions/action":
      return text(
        await executor.action(invocation("runAction"), { calledIn: call.life }),
      );
    case "1.0/actions/schedule": {
      const target = resolve("scheduler");
      const jobArgs = objectArguments(args.args, "scheduler");
      const time = millisecondsOf(args.ts);
      checkScheduledTime(time, context.clock.now());
      checkSchedulable(context.getApp(), target, "schedule");
      checkSchedulableArguments(target, jobArgs);
      const id = await executor.write((transaction) =>
        insertJob(transaction, {
          namespace: address.component,
          target,
          args: jobArgs,
          time,
          now: context.clock.now(),
          parent: request.scheduledJob,
        }),
      );
      return text(id);
    }
    case "1.0/actions/cancel_job":
      await executor.write((transaction) =>
        cancelJob(
          transaction,
          address.component,
          args.id as string,
          context.clock.now(),
        ),
      );
      return "null";
    case "1.0/createFunctionHandle": {
      if (typeof args.functionHandle === "string") {
        return text(args.functionHandle);
      }
      const target = resolve("createFunctionHandle");
      checkSchedulable(context.getApp(), target, "create a handle of");
      return text(createHandle(target));
    }
    case "1.0/getFunctionMetadata":
      return text({ name: address.name, componentPath: address.component });
    case "1.0/getDeploymentMetadata":
      return text({ ...context.deployment });
    case "1.0/getRequestMetadata":
      return text({
        ip: request.ip,
        userAgent: request.userAgent,
        requestId: request.requestId,
        scheduledFunctionId: request.scheduledJob?.id ?? null,
        authToken: null,
      });
    case "1.0/getUserIdentity":
      return "null";
    default:
      throw unsupportedOperation(op);
  }
}

function text(value: JSONValue): string {
  return JSON.stringify(value);
}

function objectArguments(args: unknown, method: string): JSONObject {
  if (!isObject(args as JSONValue)) {
    throw new SyscallError(
      `Invalid argument \`args\` for \`${method}\`: Value must be an Object`,
    );
  }
  return args as JSONObject;
}

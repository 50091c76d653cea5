/** Tells what the embedded deployment leaves out from what nobody ever had. */
import { SyscallError, notSupported } from "./errors.js";

const LEFT_OUT: [prefix: string, feature: string][] = [
  ["1.0/storage", "file storage (ctx.storage)"],
  ["storage/", "file storage (ctx.storage)"],
  ["1.0/actions/vectorSearch", "vector search (ctx.vectorSearch)"],
  ["1.0/auditLog", "audit logs"],
  ["1.0/signJwt", "signing of JWTs (ctx.auth.signJwt)"],
  ["1.0/createServiceToken", "Convex-managed services (getServiceToken)"],
  ["1.0/getServiceUrl", "Convex-managed services (getServiceUrl)"],
];

export function unsupportedOperation(op: string): SyscallError {
  const left = LEFT_OUT.find(([prefix]) => op.startsWith(prefix));
  return left === undefined
    ? new SyscallError(`Unknown async operation ${op}`)
    : notSupported(left[1]);
}

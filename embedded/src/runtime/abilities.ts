/**
 * What the deployment can be made to lack, to be the backend of an earlier time.
 * Each ability names the day it came to `get-convex/convex-backend`; without it
 * the deployment answers exactly as that backend did the day before.
 *
 * | ability | came | without it |
 * | --- | --- | --- |
 * | `getTransactionMetrics` | 2026-04-08 | "Unknown async operation 1.0/getTransactionMetrics" |
 * | `useStaleSnapshot` | 2026-04-13 | the nested call fails: "Invalid argument `udfType` for `runUdf`: Expected UdfType, got …" |
 * | `getDeploymentMetadata` | 2026-04-23 | "Unknown async operation 1.0/getDeploymentMetadata" |
 * | `transactionLimits` | 2026-05-05 | ignored in silence: the nested call has what its caller has left |
 * | `commitTs` | 2026-07-20 | a value that holds one is refused, a schema that names it cannot be pushed |
 * | `getSnapshotTs` | after 2026-08-21 | "Unknown operation 1.0/getSnapshotTs" |
 *
 * All of these are errors that the function can catch.
 */
import type { JSONValue } from "../storage/types.js";
import { SyscallError } from "./errors.js";

export const ABILITIES = [
  "getTransactionMetrics",
  "useStaleSnapshot",
  "getDeploymentMetadata",
  "transactionLimits",
  "commitTs",
  "getSnapshotTs",
] as const;
export type Ability = (typeof ABILITIES)[number];

export type Lacks = ReadonlySet<Ability>;

const NAMED_LIKE_OPERATIONS: readonly Ability[] = [
  "getTransactionMetrics",
  "getDeploymentMetadata",
  "getSnapshotTs",
];

/** Throws if the operation is one that the deployment lacks. */
export function assertOperation(
  lacks: Lacks,
  kind: "operation" | "async operation",
  op: string,
): void {
  if (lacks.size === 0) return;
  const missing = NAMED_LIKE_OPERATIONS.some(
    (ability) => lacks.has(ability) && op === `1.0/${ability}`,
  );
  if (missing) throw new SyscallError(`Unknown ${kind} ${op}`);
}

/** To a backend that has no commit timestamps their placeholder is an object with a forbidden field. */
export function assertNoCommitTs(
  lacks: Lacks,
  value: unknown,
  method: string,
  argument: string,
): void {
  if (!lacks.has("commitTs")) return;
  if (!JSON.stringify(value).includes('{"$commitTs":null}')) return;
  throw new SyscallError(
    `Invalid argument \`${argument}\` for \`${method}\`: Field name $commitTs starts with '$', which is reserved.`,
  );
}

/** Why a validator cannot be read by a backend that has no commit timestamps, or null. */
export function unknownValidator(
  lacks: Lacks,
  validator: JSONValue,
): string | null {
  if (!lacks.has("commitTs")) return null;
  if (!JSON.stringify(validator).includes('{"type":"commitTs"}')) return null;
  return "unknown variant `commitTs`, expected one of `null`, `number`, `bigint`, `boolean`, `string`, `bytes`, `any`, `literal`, `id`, `array`, `record`, `object`, `union`";
}

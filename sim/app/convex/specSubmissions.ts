/** Enqueuing works that are described by specs, noted in the same transaction. */
import { anyApi, componentsGeneric } from "convex/server";
import type { Spec } from "./specs.js";
import type { MutationCtx } from "./tallies.js";
import { declaredPool } from "./works.js";

/** Longer than any history, so that outcomes are still there at its end. */
const RETAINED_MS = 7 * 24 * 60 * 60_000;

const FUNCTIONS: Record<Spec["fnType"], unknown> = {
  action: anyApi.cornerJobs!.act,
  mutation: anyApi.cornerTransactions!.mutate,
  query: anyApi.cornerJobs!.read,
};

function poolOf({ pool: { name, limit } }: Spec) {
  return declaredPool(componentsGeneric(), name, limit);
}

function argsOf(spec: Spec) {
  const { key, pool, argBytes } = spec;
  return { key, pool: pool.name, spec, padding: "a".repeat(argBytes) };
}

function optionsOf(spec: Spec) {
  const { runAfter, retry, timeoutMs, callback, failuresOnly } = spec;
  return {
    runAfter,
    statusTtl: RETAINED_MS,
    ...(spec.fnType === "action" && retry ? { retry } : {}),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(callback
      ? {
          onComplete: anyApi.corners!.done as any,
          context: { spec, padding: "c".repeat(spec.contextBytes) },
          onCompleteExcludeKinds: failuresOnly
            ? (["success", "canceled"] as const)
            : [],
        }
      : {}),
  };
}

/** Each in a call of its own. */
export async function enqueueSpecs(
  ctx: MutationCtx,
  specs: readonly Spec[],
): Promise<void> {
  for (const spec of specs) {
    const pool = poolOf(spec);
    const fn = FUNCTIONS[spec.fnType] as any;
    const enqueue = {
      action: pool.enqueueAction.bind(pool),
      mutation: pool.enqueueMutation.bind(pool),
      query: pool.enqueueQuery.bind(pool),
    }[spec.fnType];
    const workId = await enqueue(ctx, fn, argsOf(spec), optionsOf(spec));
    await ctx.db.insert("enqueued", { key: spec.key, workId });
  }
}

/** As batches: those of the same function follow the options of the first one, which has no callback. */
export async function enqueueBatches(
  ctx: MutationCtx,
  specs: readonly Spec[],
): Promise<void> {
  for (const fnType of ["action", "mutation", "query"] as const) {
    const batch = specs.filter((spec) => spec.fnType === fnType);
    const [first] = batch;
    if (first === undefined) continue;
    const pool = poolOf(first);
    const fn = FUNCTIONS[fnType] as any;
    const enqueue = {
      action: pool.enqueueActionBatch.bind(pool),
      mutation: pool.enqueueMutationBatch.bind(pool),
      query: pool.enqueueQueryBatch.bind(pool),
    }[fnType];
    const ids = await enqueue(ctx, fn, batch.map(argsOf), optionsOf(first));
    for (const [index, { key }] of batch.entries()) {
      await ctx.db.insert("enqueued", { key, workId: ids[index]! });
    }
  }
}

/** How tests describe works, and how they are enqueued. */
import { anyApi, componentsGeneric, createFunctionHandle } from "convex/server";
import { type Infer, v } from "convex/values";
import { vRetryBehavior, Workpool } from "../../../src/client/index.js";
import type { MutationCtx } from "./tallies.js";

export const vPoolName = v.union(v.literal("workpool"), v.literal("second"));

/** What the app's code declares for each pool. */
const DECLARED = {
  workpool: { maxParallelism: 20 },
  second: { maxParallelism: 2 },
};

export function poolNamed(
  components: Record<string, unknown>,
  name: Infer<typeof vPoolName>,
): Workpool {
  return declaredPool(components, name, DECLARED[name].maxParallelism);
}

export function declaredPool(
  components: Record<string, unknown>,
  name: Infer<typeof vPoolName>,
  maxParallelism: number,
): Workpool {
  return new Workpool(components[name] as Workpool["component"], {
    maxParallelism,
  });
}

const vResultKind = v.union(
  v.literal("success"),
  v.literal("failed"),
  v.literal("canceled"),
);

export const vWork = v.object({
  fnType: v.union(
    v.literal("action"),
    v.literal("mutation"),
    v.literal("query"),
  ),
  /** In `jobs.ts`. */
  fn: v.string(),
  args: v.any(),
  retry: v.optional(v.union(v.boolean(), vRetryBehavior)),
  /** Of actions. */
  timeoutMs: v.optional(v.number()),
  onTimeout: v.optional(v.union(v.literal("hold"), v.literal("release"))),
  expireAfter: v.optional(v.number()),
  runAfter: v.optional(v.number()),
  /** In `callbacks.ts`. Null: none. */
  onComplete: v.optional(v.union(v.string(), v.null())),
  /** Default: the key in `args`. */
  context: v.optional(v.any()),
  statusTtl: v.optional(v.number()),
  excludeKinds: v.optional(v.array(vResultKind)),
});
export type Work = Infer<typeof vWork>;

export function optionsOf({ args, ...work }: Omit<Work, "fnType" | "fn">) {
  const { retry, runAfter, onComplete = "record", statusTtl = 0 } = work;
  const { excludeKinds, expireAfter } = work;
  const callback =
    onComplete === null
      ? {}
      : {
          onComplete: anyApi.callbacks![onComplete] as any,
          context: work.context ?? { key: args.key as string },
          ...(excludeKinds ? { onCompleteExcludeKinds: excludeKinds } : {}),
        };
  return { retry, runAfter, expireAfter, statusTtl, ...callback };
}

export async function enqueueWork(
  ctx: Parameters<Workpool["enqueueAction"]>[0],
  pool: Workpool,
  work: Work,
): Promise<string> {
  const fn = anyApi.jobs![work.fn] as any;
  const { retry, ...options } = optionsOf(work);
  switch (work.fnType) {
    case "action":
      return await pool.enqueueAction(ctx, fn, work.args, {
        ...options,
        retry,
        timeoutMs: work.timeoutMs,
        onTimeout: work.onTimeout,
      });
    case "mutation":
      return await pool.enqueueMutation(ctx, fn, work.args, options);
    case "query":
      return await pool.enqueueQuery(ctx, fn, work.args, options);
  }
}

/** In one call of the component: works that become pending together share rows. */
export async function enqueueInOneCall(
  ctx: MutationCtx,
  works: readonly Work[],
): Promise<string[]> {
  const handles = new Map<string, Promise<string>>();
  const handleOf = (module: string, name: string) => {
    const key = `${module}:${name}`;
    const fn = anyApi[module]![name] as any;
    if (!handles.has(key)) handles.set(key, createFunctionHandle(fn));
    return handles.get(key)!;
  };
  const items = works.map(async ({ fn, fnType, args, ...work }) => {
    const { retry, onComplete = "record", excludeKinds } = work;
    return {
      fnHandle: await handleOf("jobs", fn),
      fnName: fn,
      fnArgs: args,
      fnType,
      runAt: Date.now() + (work.runAfter ?? 0),
      statusTtl: work.statusTtl ?? 0,
      ...(typeof retry === "object" ? { retryBehavior: retry } : {}),
      ...(work.timeoutMs !== undefined ? { timeoutMs: work.timeoutMs } : {}),
      ...(work.onTimeout !== undefined ? { onTimeout: work.onTimeout } : {}),
      ...(work.expireAfter !== undefined
        ? { expireAt: Date.now() + work.expireAfter }
        : {}),
      ...(onComplete !== null
        ? {
            onComplete: {
              fnHandle: await handleOf("callbacks", onComplete),
              context: work.context ?? { key: args.key },
              ...(excludeKinds ? { excludeKinds } : {}),
            },
          }
        : {}),
    };
  });
  const components = componentsGeneric() as any;
  return await ctx.runMutation(components.workpool.lib.enqueueBatch, {
    items: await Promise.all(items),
    config: {},
  });
}

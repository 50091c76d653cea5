/**
 * The public API is a superset of the peer's: whatever compiles against it
 * compiles against ours.
 */
import * as peer from "@convex-dev/workpool";
import type { ComponentApi as PeerComponentApi } from "@convex-dev/workpool/_generated/component.js";
import type {
  FunctionArgs,
  FunctionReference,
  FunctionReturnType,
  FunctionType,
  GenericDataModel,
  GenericMutationCtx,
  RegisteredMutation,
} from "convex/server";
import { type Infer, v } from "convex/values";
import { expectTypeOf, test } from "vitest";
import type { ComponentApi } from "../component/_generated/component.js";
import * as ours from "./index.js";

test("every exported value of the peer is one of ours, of the same type", () => {
  type Peer = typeof peer;
  type Ours = typeof ours;
  type Missing = Exclude<keyof Peer, keyof Ours>;
  expectTypeOf<Missing>().toEqualTypeOf<never>();

  // Wider, and tested below: our constructor and functions take more.
  type Wider =
    | "Workpool"
    | "enqueue"
    | "enqueueBatch"
    | "NonRetryableError"
    | "vRetryBehavior";
  type Same = Exclude<keyof Peer, Wider>;
  expectTypeOf<Pick<Ours, Same>>().toExtend<Pick<Peer, Same>>();
  expectTypeOf<Pick<Peer, Same>>().toExtend<Pick<Ours, Same>>();
});

test("types of results, retries and ids are the peer's", () => {
  expectTypeOf<ours.LogLevel>().toEqualTypeOf<peer.LogLevel>();
  expectTypeOf<ours.WorkId>().toEqualTypeOf<peer.WorkId>();
  expectTypeOf<ours.RunResult<string>>().toEqualTypeOf<
    peer.RunResult<string>
  >();
  expectTypeOf<ours.OnCompleteArgs<number, string>>().toEqualTypeOf<
    peer.OnCompleteArgs<number, string>
  >();
});

test("what is written for the peer's retries compiles with ours, which say more", () => {
  expectTypeOf<ours.RetryBehavior>().toExtend<peer.RetryBehavior>();
  expectTypeOf<peer.RetryBehavior>().toExtend<ours.RetryBehavior>();
  expectTypeOf<Infer<typeof ours.vRetryBehavior>>().toEqualTypeOf<{
    [F in keyof ours.RetryBehavior]: ours.RetryBehavior[F];
  }>();
  expectTypeOf<peer.RetryOption>().toExtend<ours.RetryOption>();
  expectTypeOf<peer.WorkpoolRetryOptions>().toExtend<ours.WorkpoolRetryOptions>();
  expectTypeOf<Infer<typeof ours.vRetryPolicy>>().toExtend<ours.RetryPolicy>();
  expectTypeOf<ours.RetryPolicy>().toExtend<Infer<typeof ours.vRetryPolicy>>();
});

test("options for the peer are options for us", () => {
  expectTypeOf<peer.WorkpoolOptions>().toExtend<ours.WorkpoolOptions>();
  expectTypeOf<peer.EnqueueOptions<number, string>>().toExtend<
    ours.EnqueueOptions<number, string>
  >();
});

test("there is no option of the peer's that is unknown to us", () => {
  type Missing<Peer, Ours> = Exclude<keyof Peer, keyof Ours>;
  type Direct = Parameters<typeof peer.enqueue>[5];
  expectTypeOf<
    Missing<peer.WorkpoolOptions, ours.WorkpoolOptions>
  >().toEqualTypeOf<never>();
  expectTypeOf<
    Missing<peer.EnqueueOptions, ours.EnqueueOptions>
  >().toEqualTypeOf<never>();
  expectTypeOf<
    Missing<Direct, ours.DirectEnqueueOptions<any, any>>
  >().toEqualTypeOf<never>();
});

test("an error of either package is one of the other", () => {
  expectTypeOf<ours.NonRetryableError>().toExtend<peer.NonRetryableError>();
  expectTypeOf<peer.NonRetryableError>().toExtend<ours.NonRetryableError>();
  expectTypeOf<
    ConstructorParameters<typeof ours.NonRetryableError>
  >().toEqualTypeOf<ConstructorParameters<typeof peer.NonRetryableError>>();
});

test("our pool does what the peer's does", () => {
  // References are covariant in their arguments, so `component` cannot take
  // more and be assignable: that it takes what the peer's does is tested below.
  type Methods = Exclude<keyof peer.Workpool, "component" | "options">;
  expectTypeOf<Pick<ours.Workpool, Methods>>().toExtend<
    Pick<peer.Workpool, Methods>
  >();
  expectTypeOf(ours.enqueue)
    .parameter(1)
    .toEqualTypeOf<Parameters<typeof peer.enqueue>[1]>();
  expectTypeOf<
    Exclude<keyof peer.Workpool, keyof ours.Workpool>
  >().toEqualTypeOf<never>();
});

test("code written for the peer compiles with either", () => {
  type Packages = typeof peer | typeof ours;
  const migrate = ({ Workpool, vOnCompleteArgs, vWorkId }: Packages) => {
    const pool = new Workpool({} as never, {
      maxParallelism: 3,
      retryActionsByDefault: true,
      defaultRetryBehavior: { maxAttempts: 3, initialBackoffMs: 9, base: 2 },
      logLevel: "INFO",
    });
    expectTypeOf(pool.options.maxParallelism).toEqualTypeOf<
      number | undefined
    >();
    return { pool, args: vOnCompleteArgs(v.string()), vWorkId };
  };
  expectTypeOf(migrate(ours).args.type).toEqualTypeOf<{
    workId: ours.WorkId;
    context: string;
    result: ours.RunResult<any>;
  }>();

  const pool = {} as ours.Workpool;
  const callback = pool.defineOnComplete({
    context: v.object({ orderId: v.string() }),
    returnValue: v.number(),
    handler: async (_ctx, { workId, context, result }) => {
      expectTypeOf(workId).toEqualTypeOf<ours.WorkId>();
      expectTypeOf(context).toEqualTypeOf<{ orderId: string }>();
      expectTypeOf(result).toEqualTypeOf<ours.RunResult<number>>();
    },
  });
  expectTypeOf(callback).toExtend<RegisteredMutation<"internal", any, null>>();

  type Ref<Args extends Record<string, unknown>, Returns> = FunctionReference<
    "action",
    "internal",
    Args,
    Returns
  >;
  const ctx = {} as GenericMutationCtx<GenericDataModel>;
  const action = {} as Ref<{ n: number }, number>;
  const onComplete = {} as FunctionReference<
    "mutation",
    "internal",
    ours.OnCompleteArgs<{ orderId: string }, number>
  >;
  const context = { orderId: "o" };
  expectTypeOf(
    pool.enqueueAction(ctx, action, { n: 1 }, { onComplete, context }),
  ).resolves.toEqualTypeOf<ours.WorkId>();
  // @ts-expect-error -- the callback takes another context
  void pool.enqueueAction(ctx, action, { n: 1 }, { onComplete, context: 5 });
  // @ts-expect-error -- the action takes other arguments
  void pool.enqueueAction(ctx, action, { n: "1" });
  // @ts-expect-error -- one or the other
  void pool.enqueueAction(ctx, action, { n: 1 }, { runAt: 1, runAfter: 1 });
  // @ts-expect-error -- mutations are not retried
  void pool.enqueueMutation(ctx, {} as never, {}, { retry: true });
});

test("what is enqueued as something else than it is does not compile", () => {
  type Ref<Type extends FunctionType> = FunctionReference<
    Type,
    "internal",
    Record<string, never>
  >;
  const pool = {} as ours.Workpool;
  const ctx = {} as GenericMutationCtx<GenericDataModel>;
  const action = {} as Ref<"action">;
  const mutation = {} as Ref<"mutation">;
  const query = {} as Ref<"query">;
  // Never called: only its types are looked at.
  const _ = () => [
    pool.enqueueAction(ctx, action, {}),
    // @ts-expect-error -- a mutation
    pool.enqueueAction(ctx, mutation, {}),
    // @ts-expect-error -- a query
    pool.enqueueAction(ctx, query, {}),
    pool.enqueueMutation(ctx, mutation, {}),
    // @ts-expect-error -- an action
    pool.enqueueMutation(ctx, action, {}),
    // @ts-expect-error -- a query
    pool.enqueueMutation(ctx, query, {}),
    pool.enqueueQuery(ctx, query, {}),
    // @ts-expect-error -- an action
    pool.enqueueQuery(ctx, action, {}),
    // @ts-expect-error -- a mutation
    pool.enqueueQuery(ctx, mutation, {}),

    pool.enqueueActionBatch(ctx, action, [{}]),
    // @ts-expect-error -- a mutation
    pool.enqueueActionBatch(ctx, mutation, [{}]),
    // @ts-expect-error -- a query
    pool.enqueueActionBatch(ctx, query, [{}]),
    pool.enqueueMutationBatch(ctx, mutation, [{}]),
    // @ts-expect-error -- an action
    pool.enqueueMutationBatch(ctx, action, [{}]),
    // @ts-expect-error -- a query
    pool.enqueueMutationBatch(ctx, query, [{}]),
    pool.enqueueQueryBatch(ctx, query, [{}]),
    // @ts-expect-error -- an action
    pool.enqueueQueryBatch(ctx, action, [{}]),
    // @ts-expect-error -- a mutation
    pool.enqueueQueryBatch(ctx, mutation, [{}]),

    ours.enqueue(pool.component, ctx, "action", action, {}, {}),
    // @ts-expect-error -- a mutation
    ours.enqueue(pool.component, ctx, "action", mutation, {}, {}),
    // @ts-expect-error -- a query
    ours.enqueue(pool.component, ctx, "action", query, {}, {}),
    ours.enqueue(pool.component, ctx, "mutation", mutation, {}, {}),
    // @ts-expect-error -- an action
    ours.enqueue(pool.component, ctx, "mutation", action, {}, {}),
    // @ts-expect-error -- a query
    ours.enqueue(pool.component, ctx, "mutation", query, {}, {}),
    ours.enqueue(pool.component, ctx, "query", query, {}, {}),
    // @ts-expect-error -- an action
    ours.enqueue(pool.component, ctx, "query", action, {}, {}),
    // @ts-expect-error -- a mutation
    ours.enqueue(pool.component, ctx, "query", mutation, {}, {}),

    ours.enqueueBatch(pool.component, ctx, "action", action, [{}], {}),
    // @ts-expect-error -- a mutation
    ours.enqueueBatch(pool.component, ctx, "action", mutation, [{}], {}),
    // @ts-expect-error -- an action
    ours.enqueueBatch(pool.component, ctx, "query", action, [{}], {}),
    // @ts-expect-error -- a query
    ours.enqueueBatch(pool.component, ctx, "mutation", query, [{}], {}),
  ];
});

test("functions of the component take the peer's arguments", () => {
  type Peer = PeerComponentApi["lib"];
  type Ours = ComponentApi["lib"];
  type Args = { [F in keyof Peer]: FunctionArgs<Peer[F]> };
  type OurArgs = { [F in keyof Peer]: FunctionArgs<Ours[F]> };
  expectTypeOf<Args>().toExtend<OurArgs>();

  type Returns = { [F in keyof Peer]: FunctionReturnType<Peer[F]> };
  type OurReturns = { [F in keyof Peer]: FunctionReturnType<Ours[F]> };
  expectTypeOf<OurReturns>().toExtend<Returns>();

  expectTypeOf<FunctionArgs<PeerComponentApi["config"]["update"]>>().toExtend<
    FunctionArgs<ComponentApi["config"]["update"]>
  >();
});

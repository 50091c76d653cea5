/** Late values are typed, and change nothing for those who use none. */
import type {
  FunctionReference,
  GenericActionCtx,
  GenericDataModel,
  GenericMutationCtx,
  RegisteredAction,
} from "convex/server";
import { v } from "convex/values";
import { expectTypeOf, test } from "vitest";
import * as ours from "./index.js";
import { thisWork, type ThisWork, type WithLate } from "./index.js";

type Ref<
  Args extends Record<string, unknown>,
  Returns = null,
> = FunctionReference<"action", "internal", Args, Returns>;
const ctx = {} as GenericMutationCtx<GenericDataModel>;
const pool = {} as ours.Workpool;

test("an argument that takes thisWork takes it late, and no other does", () => {
  const action = {} as Ref<{ n: number; work: ThisWork }>;
  const plain = {} as Ref<{ n: number; text: string }>;
  const none = {} as Ref<Record<string, never>>;
  const optional = {} as Ref<{ work?: ThisWork; n?: number }>;
  // Never called: only its types are looked at.
  const _ = () => [
    pool.enqueueAction(ctx, action, { n: 1, work: thisWork }),
    pool.enqueueAction(ctx, action, { n: 1, work: {} as ThisWork }),
    // @ts-expect-error -- it is missing
    pool.enqueueAction(ctx, action, { n: 1 }),
    // @ts-expect-error -- a number is none
    pool.enqueueAction(ctx, action, { n: thisWork, work: thisWork }),
    // @ts-expect-error -- any string is none
    pool.enqueueAction(ctx, action, { n: 1, work: "work" }),
    // A string may become what thisWork becomes.
    pool.enqueueAction(ctx, plain, { n: 1, text: thisWork }),
    pool.enqueueAction(ctx, plain, { n: 1, text: "text" }),
    // @ts-expect-error -- no such argument
    pool.enqueueAction(ctx, plain, { n: 1, text: "text", work: thisWork }),
    pool.enqueueAction(ctx, none, {}),
    // @ts-expect-error -- no such argument
    pool.enqueueAction(ctx, none, { work: thisWork }),
    pool.enqueueAction(ctx, optional, {}),
    pool.enqueueAction(ctx, optional, { work: thisWork }),
    pool.enqueueActionBatch(ctx, action, [{ n: 1, work: thisWork }]),
    // @ts-expect-error -- it is missing
    pool.enqueueActionBatch(ctx, action, [{ n: 1 }]),
    ours.enqueue(
      pool.component,
      ctx,
      "action",
      action,
      { n: 1, work: thisWork },
      {},
    ),
  ];
});

test("arguments that are any, or a union, stay so", () => {
  expectTypeOf<WithLate<any>>().toBeAny();
  const untyped = {} as Ref<any>;
  const union = {} as Ref<{ a: number } | { b: string }>;
  const _ = () => [
    pool.enqueueAction(ctx, untyped, { whatever: 1, work: thisWork }),
    pool.enqueueAction(ctx, union, { a: 1 }),
    pool.enqueueAction(ctx, union, { b: "b" }),
    // @ts-expect-error -- neither
    pool.enqueueAction(ctx, union, { c: 1 }),
  ];
});

test("a call within a generic function compiles as before", () => {
  const _ = <Args extends Record<string, unknown>>(
    fn: Ref<Args>,
    fnArgs: Args,
    many: Args[],
  ) => [
    pool.enqueueAction(ctx, fn, fnArgs),
    pool.enqueueActionBatch(ctx, fn, many),
    ours.enqueue(pool.component, ctx, "action", fn, fnArgs, {}),
  ];
});

test("an action that the pool defines takes work, and its callers have to give it", () => {
  const action = pool.defineAction({
    args: { n: v.number(), text: v.optional(v.string()) },
    handler: async (ctx, args, attempt): Promise<string> => {
      expectTypeOf(args).toEqualTypeOf<{ n: number; text?: string }>();
      expectTypeOf(attempt).toEqualTypeOf<ours.Attempt>();
      expectTypeOf(ctx).toExtend<Pick<GenericActionCtx<any>, "runQuery">>();
      return "done";
    },
  });
  expectTypeOf(action).toExtend<
    RegisteredAction<
      "internal",
      { n: number; text?: string; work: ThisWork },
      Promise<string>
    >
  >();
});

test("a batch takes options of each item", () => {
  const action = {} as Ref<{ n: number }, number>;
  const onComplete = {} as FunctionReference<
    "mutation",
    "internal",
    ours.OnCompleteArgs<{ n: number }, number>
  >;
  const _ = () => [
    pool.enqueueActionBatch(ctx, action, [{ n: 1 }], (args, index) => {
      expectTypeOf(index).toBeNumber();
      return { onComplete, context: { n: 1 }, runAfter: index, retry: true };
    }),
    // @ts-expect-error -- the callback takes another context
    pool.enqueueActionBatch(ctx, action, [{ n: 1 }], () => ({
      onComplete,
      context: "n",
    })),
  ];
});

test("a unique enqueue needs its key, and tells whether it was new", () => {
  const action = {} as Ref<{ n: number }, number>;
  const mutation = {} as FunctionReference<
    "mutation",
    "internal",
    { n: number }
  >;
  const unique = { key: "k", scope: "active" } as const;
  const _ = () => [
    // @ts-expect-error -- no options
    pool.enqueueUniqueAction(ctx, action, { n: 1 }),
    // @ts-expect-error -- no key
    pool.enqueueUniqueAction(ctx, action, { n: 1 }, {}),
    // @ts-expect-error -- a mutation
    pool.enqueueUniqueAction(ctx, mutation, { n: 1 }, { unique }),
  ];
  const call = () =>
    pool.enqueueUniqueAction(ctx, action, { n: 1 }, { unique, retry: true });
  expectTypeOf(call).returns.resolves.toEqualTypeOf<{
    id: ours.WorkId;
    isNew: boolean;
    replaced: boolean;
  }>();
});

/** Actions that know which attempt they are. */
import {
  type GenericActionCtx,
  internalActionGeneric,
  type RegisteredAction,
} from "convex/server";
import type { ObjectType, PropertyValidators, Validator } from "convex/values";
import { checkNames } from "../component/names.js";
import { refuse } from "../component/refusal.js";
import { type Attempt, attachTo } from "./attempt.js";
import { type ThisWork, vThisWork } from "./late.js";
import { checkMiddlewares, type Middleware, runWithin } from "./middleware.js";
import type { WorkpoolComponent } from "./types.js";

/** What {@link Workpool.defineAction} takes. */
export type ActionDefinition<Args extends PropertyValidators, Result> = {
  /** The arguments, without `work`. */
  args: Args;
  /** Validates what the handler returns. Default: any value. */
  returns?: Validator<any, "required", any>;
  /** Runs around the handler, within what the pool runs around all of them; the first outermost. */
  use?: readonly Middleware[];
  /**
   * @param attempt - Which attempt it is: see {@link Attempt}.
   */
  handler: (
    ctx: GenericActionCtx<any>,
    args: ObjectType<Args>,
    attempt: Attempt,
  ) => Promise<Result> | Result;
};

const FIELDS = ["args", "returns", "use", "handler"];

export function define<Args extends PropertyValidators, Result>(
  component: WorkpoolComponent,
  ofPool: readonly Middleware[] | undefined,
  definition: ActionDefinition<Args, Result>,
): RegisteredAction<
  "internal",
  ObjectType<Args> & { work: ThisWork },
  Promise<Result>
> {
  checkNames("defineAction", Object.keys(definition), FIELDS);
  const { args, returns, use, handler } = definition;
  if (typeof handler !== "function") refuse("handler", "a function", handler);
  if (typeof args !== "object" || args === null) {
    refuse("args", "an object of validators", args);
  }
  if ("work" in args) {
    throw new Error(
      'defineAction has an argument "work" of its own, which callers give as thisWork: call yours otherwise.',
    );
  }
  checkMiddlewares(use);
  const middlewares = [...(ofPool ?? []), ...(use ?? [])];
  return internalActionGeneric({
    args: { ...args, work: vThisWork },
    ...(returns ? { returns } : {}),
    handler: async (ctx: GenericActionCtx<any>, all: any): Promise<any> => {
      const { work, ...own } = all;
      return await attachTo(component, ctx, work, (attempt) =>
        runWithin(middlewares, ctx, own, attempt, async () =>
          handler(ctx, own, attempt),
        ),
      );
    },
  }) as any;
}

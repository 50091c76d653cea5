/** What runs around the handlers of a pool's actions. */
import type { GenericActionCtx } from "convex/server";
import { refuse } from "../component/refusal.js";
import type { Attempt } from "./attempt.js";

/**
 * Runs around the handler of an action that was defined with {@link Workpool.defineAction}, once for
 * each attempt.
 *
 * ```ts
 * const timed: Middleware = async (ctx, args, attempt, next) => {
 *   const began = Date.now();
 *   try {
 *     return await next();
 *   } finally {
 *     console.log(`attempt ${attempt.number} took ${Date.now() - began} ms`);
 *   }
 * };
 * ```
 *
 * @param args - Of the action, without its `work`.
 * @param next - Runs what is inside of this one: the next middleware, at last the handler. It may be
 *   called once.
 * @returns what the action is to return: as a rule, what `next` returned.
 */
export type Middleware = (
  ctx: GenericActionCtx<any>,
  args: Record<string, any>,
  attempt: Attempt,
  next: () => Promise<unknown>,
) => Promise<unknown>;

export function checkMiddlewares(use: unknown): void {
  if (use === undefined) return;
  if (!Array.isArray(use) || !use.every((each) => typeof each === "function")) {
    refuse("use", "a list of functions (ctx, args, attempt, next)", use);
  }
}

/** Runs `handler` within all of them, the first outermost. */
export async function runWithin(
  middlewares: readonly Middleware[],
  ctx: GenericActionCtx<any>,
  args: Record<string, any>,
  attempt: Attempt,
  handler: () => Promise<unknown>,
): Promise<unknown> {
  const runFrom = async (index: number): Promise<unknown> => {
    const middleware = middlewares[index];
    if (!middleware) return await handler();
    let called = false;
    return await middleware(ctx, args, attempt, async () => {
      if (called) {
        throw new Error(
          `Middleware ${index + 1} called next() twice: a handler runs once in an attempt.`,
        );
      }
      called = true;
      return await runFrom(index + 1);
    });
  };
  return await runFrom(0);
}

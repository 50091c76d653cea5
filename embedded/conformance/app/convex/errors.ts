import {
  actionGeneric,
  anyApi,
  componentsGeneric,
  mutationGeneric,
  queryGeneric,
} from "convex/server";
import { ConvexError, v } from "convex/values";

const self = anyApi.errors as any;
const components = componentsGeneric() as any;
const data = { data: v.any() };

function refuse(_ctx: unknown, { data }: { data: any }): never {
  throw new ConvexError(data);
}
export const query = queryGeneric({ args: data, handler: refuse });
export const mutation = mutationGeneric({ args: data, handler: refuse });
export const action = actionGeneric({ args: data, handler: refuse });

/** The same, seen from the function that called: what it caught. */
async function caught(run: () => Promise<unknown>): Promise<unknown> {
  try {
    await run();
    return "nothing was thrown";
  } catch (error) {
    return {
      isConvexError: error instanceof ConvexError,
      data: error instanceof ConvexError ? error.data : null,
      message: (error as Error).message,
    };
  }
}
export const queryInQuery = queryGeneric({
  args: data,
  handler: (ctx, args) => caught(() => ctx.runQuery(self.query, args)),
});
export const mutationInMutation = mutationGeneric({
  args: data,
  handler: (ctx, args) => caught(() => ctx.runMutation(self.mutation, args)),
});
export const queryInAction = actionGeneric({
  args: data,
  handler: (ctx, args) => caught(() => ctx.runQuery(self.query, args)),
});
export const mutationInAction = actionGeneric({
  args: data,
  handler: (ctx, args) => caught(() => ctx.runMutation(self.mutation, args)),
});
export const actionInAction = actionGeneric({
  args: data,
  handler: (ctx, args) => caught(() => ctx.runAction(self.action, args)),
});
export const componentInMutation = mutationGeneric({
  args: data,
  handler: (ctx, args) =>
    caught(() => ctx.runMutation(components.ledger.entries.refuse, args)),
});

/** Not caught on the way: from the innermost function to the client. */
export const throughAll = actionGeneric({
  args: data,
  handler: (ctx, args): Promise<unknown> =>
    ctx.runMutation(self.throughMutation, args),
});
export const throughMutation = mutationGeneric({
  args: data,
  handler: (ctx, args): Promise<unknown> =>
    ctx.runMutation(components.ledger.entries.refuse, args),
});

class Special extends ConvexError<{ special: number }> {
  override name = "Special";
}
export const subclass = queryGeneric({
  args: {},
  handler: () => {
    throw new Special({ special: 1 });
  },
});

export const plain = queryGeneric({
  args: {},
  handler: () => {
    throw new TypeError("not like this");
  },
});

export const throwsText = queryGeneric({
  args: {},
  handler: () => {
    throw "just text";
  },
});

export const typo = queryGeneric({
  args: {},
  handler: () => (undefined as any).field,
});

export const notAFunction = "a string";

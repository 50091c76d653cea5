/** Short ways to describe works. */
import type { Work } from "./app/convex/works.js";

type Options = Partial<Omit<Work, "fnType" | "fn" | "args">>;

export function act(
  key: string,
  args: { ms?: number; failures?: number; hopeless?: boolean } = {},
  options: Options = {},
): Work {
  return { fnType: "action", fn: "act", args: { key, ...args }, ...options };
}

export function mutate(
  key: string,
  args: { fail?: boolean; tally?: string } = {},
  options: Options = {},
): Work {
  return {
    fnType: "mutation",
    fn: "mutate",
    args: { key, ...args },
    ...options,
  };
}

export function read(key: string, options: Options = {}): Work {
  return { fnType: "query", fn: "read", args: { key }, ...options };
}

/** `count` keys that begin with `name`. */
export function keys(count: number, name = "w"): string[] {
  return Array.from({ length: count }, (_, index) => `${name}${index}`);
}

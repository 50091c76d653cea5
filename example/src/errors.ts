import { ConvexError } from "convex/values";

/** What a person needs of an error that crossed function boundaries. */
export function headline(error: string): string {
  return error
    .split("\n", 1)[0]!
    .replace(/^(Uncaught )?(\w*Error: )*/, "")
    .trim();
}

export function messageOf(error: unknown): string {
  if (error instanceof ConvexError) {
    return String(error.data);
  }
  return error instanceof Error ? headline(error.message) : String(error);
}

/**
 * A case: what apps rely on, and where Convex says so. Each is a test whose source
 * the reporter reads; a file's outermost `describe` is the topic it counts under.
 */
import { test } from "vitest";

declare module "@vitest/runner" {
  interface TaskMeta {
    source?: Source;
  }
}

export type Source =
  | `https://docs.convex.dev/${string}`
  | `get-convex/convex-backend ${string}`
  | `npm ${string}`;

/** A page of Convex's documentation. */
export const docs = (page: string): Source => `https://docs.convex.dev/${page}`;
/** A file of the open-source backend. */
export const backend = (path: string): Source =>
  `get-convex/convex-backend ${path}`;
/** A file of a published package. */
export const npm = (path: string): Source => `npm ${path}`;

export function conforms(
  what: string,
  source: Source,
  run: () => Promise<void> | void,
): void {
  test(what, { meta: { source } }, run);
}

/** Resolves `ms` milliseconds from now. Actions only: queries and mutations have no timers. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Reading Relay's records the way its page does. */
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { api } from "../convex/_generated/api.js";
import type { Recorded } from "./check.js";

const PAGE_SIZE = 100;

/**
 * Resolves when `accepted` deliveries exist and each has an outcome. Learns of
 * it from a subscription.
 */
export async function allSettled(
  url: string,
  accepted: number,
  signal: AbortSignal,
): Promise<void> {
  const client = new ConvexClient(url);
  try {
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      client.onUpdate(
        api.endpoints.list,
        {},
        (endpoints) => {
          const counts = endpoints.map((endpoint) => endpoint.counts);
          const known = sum(counts.map((count) => count.accepted));
          const settled = sum(
            counts.map(
              (count) => count.success + count.failed + count.canceled,
            ),
          );
          if (known >= accepted && settled >= known) {
            resolve();
          }
        },
        reject,
      );
    });
  } finally {
    await client.close();
  }
}

export async function allDeliveries(url: string): Promise<Recorded[]> {
  const client = new ConvexHttpClient(url);
  const deliveries: Recorded[] = [];
  let cursor: string | null = null;
  for (;;) {
    const result: typeof api.deliveries.list._returnType = await client.query(
      api.deliveries.list,
      { paginationOpts: { numItems: PAGE_SIZE, cursor } },
    );
    deliveries.push(
      ...result.page.map((row) => ({ ...row, attempts: row.attempts.length })),
    );
    if (result.isDone) {
      return deliveries;
    }
    cursor = result.continueCursor;
  }
}

function sum(numbers: number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

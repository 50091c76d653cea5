/** Who enqueues while the deployment comes and goes, and what each was told. */
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import type { Work } from "./app/convex/requests.js";
import type { Moments } from "./moments.js";

const api = anyApi as any;

/** So that kills meet works in all states, and not only enqueues. */
const BETWEEN_BATCHES_MS = 40;

export interface Batch {
  name: string;
  works: Work[];
  /** The client was told that it is enqueued. */
  acknowledged: boolean;
}

/** Everything that was ever asked for, in the order of asking. */
export class Load {
  readonly batches: Batch[] = [];
  /** Requests of which nobody can say whether they were done. */
  interrupted = 0;
  private readonly ids: string[] = [];
  private stopped = false;

  constructor(
    private readonly moments: Moments,
    private readonly witness: string,
    /** Called with every answer. */
    private readonly onAnswer: () => void,
  ) {}

  /** Who runs lets what it is about to send be answered first. */
  stop(): void {
    this.stopped = true;
  }

  /** Over HTTP: a request that a crash interrupts is given up. */
  async overHttp(
    name: string,
    url: string,
    serving: () => Promise<unknown>,
  ): Promise<void> {
    const http = new ConvexHttpClient(url, { logger: false });
    for (let number = 0; !this.stopped; number++) {
      const batch = this.next(`${name}${number}`);
      const { name: batchName, works } = batch;
      try {
        const args = { name: batchName, works };
        this.answered(batch, await http.mutation(api.requests.enqueue, args));
        if (this.moments.chance(0.2)) {
          const id = this.moments.pick(this.ids);
          await http.mutation(api.requests.cancel, { id });
        }
        await sleep(BETWEEN_BATCHES_MS);
      } catch (error) {
        if (!isInterruption(error)) throw error;
        this.interrupted += 1;
        await serving();
      }
    }
  }

  /** Over the sync protocol: the client resends until it is answered. */
  async overSocket(name: string, url: string): Promise<void> {
    const client = new ConvexClient(url, { logger: false });
    for (let number = 0; !this.stopped; number++) {
      const batch = this.next(`${name}${number}`);
      const args = { name: batch.name, works: batch.works };
      this.answered(batch, await client.mutation(api.requests.enqueue, args));
      await sleep(BETWEEN_BATCHES_MS);
    }
    await client.close();
  }

  private next(name: string): Batch {
    const count = 1 + this.moments.below(5);
    const works = Array.from({ length: count }, (_, index) =>
      anyWork(`${name}.${index}`, this.moments, this.witness),
    );
    const batch = { name, works, acknowledged: false };
    this.batches.push(batch);
    return batch;
  }

  private answered(batch: Batch, ids: string[]): void {
    batch.acknowledged = true;
    this.ids.push(...ids);
    this.onAnswer();
  }
}

function anyWork(key: string, moments: Moments, witness: string): Work {
  return {
    ...anyFunction(key, moments, witness),
    runAfter: moments.chance(0.2) ? moments.below(3_000) : 0,
    callback: moments.pick(["always", "always", "unless success", "none"]),
    refuseCallbackMs: moments.chance(0.05) ? moments.below(3_000) : 0,
  };
}

function anyFunction(
  key: string,
  moments: Moments,
  witness: string,
): Pick<Work, "fnType" | "args" | "retry"> {
  switch (moments.below(6)) {
    case 0:
      return {
        fnType: "mutation",
        args: { key, fails: moments.chance(0.2) },
      };
    case 1:
      return { fnType: "query", args: { key } };
    default: {
      const retry = {
        maxAttempts: 1 + moments.below(4),
        initialBackoffMs: moments.below(300),
        base: 2,
      };
      return {
        fnType: "action",
        args: {
          key,
          witness,
          ms: moments.scale(300),
          failures: moments.chance(0.3) ? moments.below(3) : 0,
          hopeless: moments.chance(0.05),
        },
        ...(moments.chance(0.7) && { retry }),
      };
    }
  }
}

/** The connection ended before the answer; what a server says is no such error. */
function isInterruption(error: unknown): boolean {
  return error instanceof TypeError;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

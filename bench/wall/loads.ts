/**
 * What is asked of the deployment, by official clients: each load does `count`
 * of one thing and resolves when the last one has been seen to be done.
 */
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";

const { chains, rows } = anyApi as any;

/** Clients at a time; a socket sends one mutation after the other. */
const CLIENTS = 16;
/** Who watches rows. */
const WATCHERS = 100;

export interface Load {
  name: string;
  /** What is counted. */
  unit: "queries" | "transactions" | "updates";
  /** How many a round does. */
  countAt(scale: number): number;
  /** Whether it changes something: then a store on disk makes a difference. */
  writes: boolean;
  prepare(url: string): Promise<Prepared>;
}

export interface Prepared {
  run(count: number): Promise<void>;
  close(): Promise<void>;
}

/** Does `one` `count` times, by so many at a time as there are `workers`. */
async function share<W>(
  workers: readonly W[],
  count: number,
  one: (worker: W, index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  await Promise.all(
    workers.map(async (worker) => {
      while (next < count) await one(worker, next++);
    }),
  );
}

function sockets(url: string, count: number): ConvexClient[] {
  return Array.from(
    { length: count },
    () => new ConvexClient(url, { logger: false }),
  );
}

async function closeAll(clients: ConvexClient[]): Promise<void> {
  await Promise.all(clients.map((client) => client.close()));
}

async function insertRows(
  client: ConvexHttpClient,
  groups: readonly number[],
): Promise<string[]> {
  return await Promise.all(
    groups.map((group) => client.mutation(rows.insert, { group })),
  );
}

/** Groups that nothing else has used. */
let groups = 0;
const newGroup = () => groups++;

async function checkCount(
  client: ConvexHttpClient,
  group: number,
  expected: number,
): Promise<void> {
  const found: number = await client.query(rows.count, { group });
  if (found !== expected) {
    throw new Error(`${found} documents were written, not ${expected}`);
  }
}

function queries(name: string, documents: number): Load {
  return {
    name,
    unit: "queries",
    countAt: (scale) => Math.ceil(1000 * scale),
    writes: false,
    async prepare(url) {
      const client = new ConvexHttpClient(url, { logger: false });
      const group = newGroup();
      await insertRows(client, new Array<number>(documents).fill(group));
      const ask = async () => {
        if (documents === 0) return await client.query(rows.nothing, {});
        const { length } = await client.query(rows.values, { group });
        if (length !== documents) throw new Error(`${length} documents came`);
      };
      const workers = Array.from({ length: CLIENTS }, () => ask);
      return {
        run: (count) => share(workers, count, (one) => one()),
        close: async () => {},
      };
    },
  };
}

const inserts: Load = {
  name: "clients insert a document each",
  unit: "transactions",
  countAt: (scale) => Math.ceil(1000 * scale),
  writes: true,
  async prepare(url) {
    const clients = sockets(url, CLIENTS);
    const group = newGroup();
    let inserted = 0;
    return {
      async run(count) {
        await share(clients, count, (client) =>
          client.mutation(rows.insert, { group }),
        );
        inserted += count;
      },
      async close() {
        const client = new ConvexHttpClient(url, { logger: false });
        await checkCount(client, group, inserted);
        await closeAll(clients);
      },
    };
  },
};

const fromAction: Load = {
  name: "an action patches a document again and again",
  unit: "transactions",
  countAt: (scale) => Math.ceil(1000 * scale),
  writes: true,
  async prepare(url) {
    const client = new ConvexHttpClient(url, { logger: false });
    const group = newGroup();
    const [id] = await insertRows(client, [group]);
    return {
      async run(count) {
        await client.action(rows.setRepeatedly, { id, times: count });
        const [value] = await client.query(rows.values, { group });
        if (value !== count) throw new Error(`${value} is not ${count}`);
      },
      close: async () => {},
    };
  },
};

const scheduled: Load = {
  name: "a scheduled mutation schedules the next",
  unit: "transactions",
  countAt: (scale) => Math.ceil(300 * scale),
  writes: true,
  async prepare(url) {
    const client = new ConvexClient(url, { logger: false });
    return {
      async run(count) {
        const group = newGroup();
        await client.mutation(chains.chain, { group, steps: count });
        await new Promise<void>((resolve, reject) => {
          client.onUpdate(
            chains.ended,
            { group },
            (ended: boolean) => ended && resolve(),
            reject,
          );
        });
        const http = new ConvexHttpClient(url, { logger: false });
        await checkCount(http, group, count);
      },
      close: () => client.close(),
    };
  },
};

/** Each watcher has a socket of its own. An update is one new value at one of them. */
function updates(name: string, watchedRows: number, changes: number): Load {
  return {
    name,
    unit: "updates",
    countAt: (scale) => Math.ceil(changes * scale) * WATCHERS,
    writes: true,
    async prepare(url) {
      const writer = new ConvexHttpClient(url, { logger: false });
      const groups = Array.from({ length: watchedRows }, newGroup);
      const ids = await insertRows(writer, groups);
      const clients = sockets(url, WATCHERS);
      let seen = 0;
      let waiting: { until: number; resolve: () => void } | null = null;
      const watched = clients.map(
        (client, index) =>
          new Promise<void>((resolve, reject) => {
            const group = groups[index % groups.length]!;
            client.onUpdate(
              rows.values,
              { group },
              () => {
                seen++;
                resolve();
                if (seen === waiting?.until) waiting.resolve();
              },
              reject,
            );
          }),
      );
      await Promise.all(watched);
      let value = 0;
      return {
        async run(count) {
          // One change of all rows after the other: none may be skipped over.
          for (let done = 0; done < count; done += WATCHERS) {
            value++;
            const until = seen + WATCHERS;
            const told = new Promise<void>((resolve) => {
              waiting = { until, resolve };
            });
            await share(
              Array.from({ length: CLIENTS }, () => writer),
              ids.length,
              (client, index) =>
                client.mutation(rows.set, { id: ids[index], value }),
            );
            await told;
          }
        },
        close: () => closeAll(clients),
      };
    },
  };
}

export const LOADS: Load[] = [
  queries("queries that read nothing", 0),
  queries("queries of ten documents", 10),
  inserts,
  fromAction,
  scheduled,
  updates(`one document, watched by ${WATCHERS} clients`, 1, 50),
  updates(`${WATCHERS} documents, each watched by one client`, WATCHERS, 5),
];

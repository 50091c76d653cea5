/** Pages: that they follow each other without gaps, whatever is written meanwhile. */
import { ConvexClient } from "convex/browser";
import { describe, expect } from "vitest";
import { watch } from "../test/sync/events.js";
import { insert, page, remove } from "./app/shared/steps.js";
import { backend, conforms, docs, npm } from "./harness/case.js";
import { api, useDeployment } from "./harness/deployment.js";

const app = useDeployment();

const PAGES = docs("database/pagination");
const SYSCALLS = backend("crates/isolate/src/environment/udf/async_syscall.rs");
const FULLY_REACTIVE = docs("api/modules/react#usepaginatedquery");

interface Page {
  page: { _id: string; rank: number }[];
  isDone: boolean;
  continueCursor: string;
  splitCursor?: string | null;
  pageStatus?: string | null;
}

const fill = (group: string, ...ranks: number[]): Promise<string[]> =>
  app.mutate(...ranks.map((rank) => insert("items", { group, rank })));

async function read(
  group: string,
  options: Record<string, unknown>,
  how: Record<string, unknown> = {},
): Promise<Page> {
  const [result] = await app.read(
    page("items", options, {
      index: "by_group_rank",
      range: [["eq", "group", group]],
      ...how,
    }),
  );
  return result;
}
const ranksOf = ({ page }: Page) => page.map(({ rank }) => rank);

describe("Pagination", () => {
  for (const order of ["asc", "desc"] as const) {
    conforms(
      `pages follow each other to the end (${order})`,
      PAGES,
      async () => {
        const group = `whole ${order}`;
        await fill(group, 1, 2, 3, 4, 5);
        const seen: number[][] = [];
        let cursor: string | null = null;
        for (let done = false; !done;) {
          const next: Page = await read(
            group,
            { cursor, numItems: 2 },
            { order },
          );
          seen.push(ranksOf(next));
          cursor = next.continueCursor;
          done = next.isDone;
        }
        const expected = [1, 2, 3, 4, 5];
        if (order === "desc") expected.reverse();
        expect(seen.flat()).toEqual(expected);
        expect(seen.slice(0, 2).every(({ length }) => length === 2)).toBe(true);
      },
    );
  }

  conforms("an empty range is one empty page", PAGES, async () => {
    expect(await read("nobody", { numItems: 3 })).toMatchObject({
      page: [],
      isDone: true,
    });
  });

  conforms(
    "a page that is exactly full does not know yet that it is the last",
    SYSCALLS,
    async () => {
      await fill("full", 1, 2);
      const first = await read("full", { numItems: 2 });
      expect([ranksOf(first), first.isDone]).toEqual([[1, 2], false]);
      const second = await read("full", {
        numItems: 2,
        cursor: first.continueCursor,
      });
      expect([ranksOf(second), second.isDone]).toEqual([[], true]);
    },
  );

  conforms("after the end there is nothing", PAGES, async () => {
    await fill("over", 1);
    const last = await read("over", { numItems: 5 });
    expect(
      await read("over", { numItems: 5, cursor: last.continueCursor }),
    ).toMatchObject({ page: [], isDone: true });
  });

  conforms(
    "what is inserted behind the cursor is on a later page, in front of it on none",
    PAGES,
    async () => {
      await fill("growing", 10, 20, 30);
      const first = await read("growing", { numItems: 2 });
      await fill("growing", 5, 25);
      const second = await read("growing", {
        numItems: 5,
        cursor: first.continueCursor,
      });
      expect(ranksOf(second)).toEqual([25, 30]);
    },
  );

  conforms(
    "the row at the cursor may go: the next page is the same",
    PAGES,
    async () => {
      const [, second] = await fill("shrinking", 1, 2, 3);
      const first = await read("shrinking", { numItems: 2 });
      await app.mutate(remove(second!));
      expect(
        ranksOf(
          await read("shrinking", {
            numItems: 2,
            cursor: first.continueCursor,
          }),
        ),
      ).toEqual([3]);
    },
  );

  conforms(
    "with an end cursor, a page is everything up to it",
    npm("convex src/server/pagination.ts"),
    async () => {
      await fill("fixed", 1, 2, 3, 4);
      const first = await read("fixed", { numItems: 2 });
      await fill("fixed", 1.5);
      const again = await read("fixed", {
        numItems: 2,
        endCursor: first.continueCursor,
      });
      expect(ranksOf(again)).toEqual([1, 1.5, 2]);
      expect(again.continueCursor).toBe(first.continueCursor);
    },
  );

  conforms(
    "a filter makes pages search on until they are full",
    PAGES,
    async () => {
      await fill("filtered", 1, 2, 3);
      await fill("filtered later", 4);
      const [result] = await app.read(
        page("items", { numItems: 2 }, { filter: ["group", "filtered later"] }),
      );
      expect([ranksOf(result), result.isDone]).toEqual([[4], true]);
    },
  );

  conforms(
    "a page may end early when it has read enough rows; it says that it should be split",
    npm("convex src/server/pagination.ts (maximumRowsRead)"),
    async () => {
      await fill("bounded", 1, 2, 3, 4, 5, 6);
      const first = await read("bounded", { numItems: 6, maximumRowsRead: 3 });
      expect(ranksOf(first)).toEqual([1, 2, 3]);
      expect([first.isDone, first.pageStatus]).toEqual([
        false,
        "SplitRequired",
      ]);
      const second = await read("bounded", {
        numItems: 6,
        cursor: first.continueCursor,
      });
      expect(ranksOf(second)).toEqual([4, 5, 6]);
    },
  );

  conforms(
    "a page can be split at its split cursor",
    npm("convex src/server/pagination.ts (splitCursor)"),
    async () => {
      await fill("split", 1, 2, 3, 4);
      const { splitCursor, continueCursor } = await read("split", {
        numItems: 4,
      });
      const left = await read("split", { numItems: 4, endCursor: splitCursor });
      const right = await read("split", {
        numItems: 4,
        cursor: splitCursor,
        endCursor: continueCursor,
      });
      expect(ranksOf(left).length).toBeGreaterThan(0);
      expect(ranksOf(right).length).toBeGreaterThan(0);
      expect([...ranksOf(left), ...ranksOf(right)]).toEqual([1, 2, 3, 4]);
    },
  );

  for (const [what, options, message] of [
    [
      "no items",
      { numItems: 0 },
      "Must request at least 1 document while paginating",
    ],
    [
      "more items than may be read",
      { numItems: 100_000 },
      "Requested too many items: 100000",
    ],
    [
      "at most no rows",
      { numItems: 1, maximumRowsRead: 0 },
      "must be greater than 0",
    ],
    [
      "a cursor that is none",
      { numItems: 1, cursor: "nonsense" },
      "Failed to parse cursor",
    ],
  ] as const) {
    conforms(`a page of ${what} is refused`, SYSCALLS, async () => {
      await expect(read("refused", options)).rejects.toThrow(message);
    });
  }

  conforms(
    "a cursor of another query is refused, with the data by which React's hook begins anew",
    backend("crates/database/src/query/mod.rs"),
    async () => {
      await fill("one", 1, 2);
      const { continueCursor } = await read("one", { numItems: 1 });
      await expect(
        read("another", { numItems: 1, cursor: continueCursor }),
      ).rejects.toMatchObject({
        message: expect.stringContaining("InvalidCursor"),
        data: { isConvexSystemError: true, paginationError: "InvalidCursor" },
      });
    },
  );

  conforms("two pages in one function are refused", SYSCALLS, async () => {
    await fill("twice", 1);
    await expect(app.client.query(api.queries.pageTwice, {})).rejects.toThrow(
      "This query or mutation function ran multiple paginated queries. Convex only supports a single paginated query in each function.",
    );
  });

  conforms(
    "pages are for the app, not for components",
    docs("components/authoring"),
    async () => {
      await expect(
        app.mutate({
          op: "ledger",
          kind: "query",
          steps: [page("items", { numItems: 1 })],
        }),
      ).rejects.toThrow("paginate() is only supported in the app.");
    },
  );

  conforms("a page can be read in a mutation", PAGES, async () => {
    await fill("mutated", 1, 2, 3);
    const [result] = await app.mutate(
      page(
        "items",
        { numItems: 2 },
        { index: "by_group_rank", range: [["eq", "group", "mutated"]] },
      ),
    );
    expect(ranksOf(result)).toEqual([1, 2]);
  });

  conforms(
    "watched, a page keeps its end and grows",
    FULLY_REACTIVE,
    async () => {
      await fill("watched", 10, 20, 30);
      const client = new ConvexClient(app.url, { logger: false });
      const pages = watch<Page>(client, api.queries.pageOfGroup, {
        group: "watched",
        paginationOpts: { numItems: 2, cursor: null, id: 1 },
      });
      await pages.until(({ latest }) => latest !== undefined);
      expect(ranksOf(pages.latest!)).toEqual([10, 20]);
      const { continueCursor } = pages.latest!;
      await fill("watched", 15);
      await pages.until(({ latest }) => latest!.page.length === 3);
      expect(ranksOf(pages.latest!)).toEqual([10, 15, 20]);
      expect(pages.latest!.continueCursor).toBe(continueCursor);
      await client.close();
    },
  );

  conforms(
    "watched, a page does not run for rows behind its end",
    FULLY_REACTIVE,
    async () => {
      await fill("unmoved", 10, 20, 30);
      const client = new ConvexClient(app.url, { logger: false });
      const options = { numItems: 2, cursor: null, id: 2 };
      const first = watch<Page>(client, api.queries.pageOfGroup, {
        group: "unmoved",
        paginationOpts: options,
      });
      await first.until(({ latest }) => latest !== undefined);
      const second = watch<Page>(client, api.queries.pageOfGroup, {
        group: "unmoved",
        paginationOpts: { ...options, cursor: first.latest!.continueCursor },
      });
      await second.until(({ latest }) => latest !== undefined);
      await fill("unmoved", 25);
      await second.until(({ latest }) => latest!.page.length === 2);
      expect(first.results).toHaveLength(1);
      await client.close();
    },
  );
});

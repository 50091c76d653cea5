/** A disk that takes no more. */
import { execFileSync, spawnSync } from "node:child_process";
import { appendFile, cp, mkdir, rm, statfs, truncate } from "node:fs/promises";
import path from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import { SystemRandomness, WallClock } from "../../embedded/src/clock.js";
import {
  type Database,
  openDatabase,
  type StoredDocument,
} from "../../embedded/src/storage/index.js";
import { serve, temporaryDirectory, until } from "./fixture.js";
import { openStore } from "./store.js";

const api = anyApi as any;

/** Only root may mount a disk of a few megabytes. */
const canMount = mountsWork();

function mountsWork(): boolean {
  const options = ["-t", "tmpfs", "-o", "size=1m", "tmpfs", "/mnt"];
  if (spawnSync("mount", options).status !== 0) return false;
  return spawnSync("umount", ["/mnt"]).status === 0;
}

async function smallDisk(megabytes: number): Promise<string> {
  const disk = await temporaryDirectory();
  const size = `size=${megabytes}m`;
  execFileSync("mount", ["-t", "tmpfs", "-o", size, "tmpfs", disk]);
  onTestFinished(() => void execFileSync("umount", ["--lazy", disk]));
  return disk;
}

/** Takes all the room that is left, or all but so many bytes. */
async function fill(ballast: string, spare = 0): Promise<void> {
  const { bavail, bsize } = await statfs(path.dirname(ballast));
  const size = Math.max(0, bavail * bsize - spare);
  try {
    await appendFile(ballast, Buffer.alloc(size));
  } catch (error) {
    // The deployment has written meanwhile: then it is full with less.
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  }
}

const NOT_NOW_MS = 3_600_000;
const waiting = (name: string) => ({
  name,
  works: [
    {
      fnType: "query",
      args: { key: name, padding: "x".repeat(5_000) },
      runAfter: NOT_NOW_MS,
      callback: "none",
      refuseCallbackMs: 0,
    },
  ],
});

describe.skipIf(!canMount)("a full disk", () => {
  test("refuses what cannot be kept, says so once, keeps the rest, and goes on when there is room", async () => {
    const disk = await smallDisk(6);
    const dataDir = path.join(disk, "data");
    await mkdir(dataDir);
    await cp(inject("pushedApp"), dataDir, { recursive: true });
    const ballast = path.join(disk, "ballast");

    const first = serve(dataDir);
    const client = new ConvexHttpClient((await first.ready).url, {
      logger: false,
    });
    const acknowledged: string[] = [];
    const refusals: string[] = [];
    const enqueue = (name: string) =>
      client.mutation(api.requests.enqueue, waiting(name)).then(
        () => void acknowledged.push(name),
        (error: Error) => void refusals.push(error.message),
      );

    for (let i = 0; i < 20; i++) await enqueue(`before ${i}`);
    expect(refusals).toEqual([]);
    // Due in the middle of it: a scheduled function is not lost for want of room.
    const at = Date.now() + 500;
    await client.mutation(api.reminders.plan, { from: 0, count: 5, at });
    await fill(ballast);
    for (let i = 0; refusals.length < 20; i++) await enqueue(`full ${i}`);
    for (const refusal of refusals) {
      expect(refusal).toContain("database or disk is full");
      expect(refusal).not.toContain("    at ");
    }
    expect(await client.query(api.requests.unfinished, { ids: [] })).toBe(0);

    await rm(ballast);
    const refused = refusals.length;
    for (let i = 0; i < 20; i++) await enqueue(`after ${i}`);
    expect(refusals).toHaveLength(refused);
    await until(first, api.reminders.count, (count) => count === 5);

    first.kill("SIGKILL");
    const { stderr } = await first.exit;
    expect(stderr.trim().split("\n")).toEqual([
      expect.stringMatching(
        /^Storage: The store in .* cannot be written: database or disk is full\. What was committed before is safe/,
      ),
      expect.stringMatching(
        /^Storage: The store in .* can be written again\.$/,
      ),
    ]);
    const store = await openStore(dataDir);
    expect(store.rows("batches").map(({ name }) => name)).toEqual(acknowledged);
    expect(store.rows("work", "workpool")).toHaveLength(acknowledged.length);
    expect(store.rows("reminders")).toHaveLength(5);
    await store.close();

    // What the first left unfolded needs room: there is none, and then there is.
    await fill(ballast);
    const second = await serve(dataDir).exit;
    if (second.code !== null) {
      expect(second.code).toBe(1);
      expect(second.stderr).toMatch(
        /The store in .* cannot be opened: database or disk is full\. It was left as it is\./,
      );
    }
    await truncate(ballast);
    await serve(dataDir).ready;
  });

  test("in the middle of folding the log keeps exactly what was committed", async () => {
    const disk = await smallDisk(16);
    const dir = path.join(disk, "data");
    const ballast = path.join(disk, "ballast");
    const said: string[] = [];
    const options = {
      dir,
      clock: new WallClock(),
      randomness: new SystemRandomness(),
      report: (message: string) => void said.push(message),
      folding: { maxLogRows: 7, maxLogLength: 1e9, batch: 4 },
    };
    const committed: number[] = [];
    for (let round = 0; round < 2; round++) {
      const database = openDatabase(options);
      for (let n = 0; n < 400; n++) {
        const transaction = database.begin();
        const number = round * 10_000 + n;
        transaction.insert("", "notes", {
          number,
          padding: "x".repeat(1 + ((n * 37) % 3_000)),
        });
        try {
          database.commit(transaction);
          committed.push(number);
        } catch (error) {
          expect(`${error}`).toContain("database or disk is full");
        }
        // Makes room now and then, so that folding fails and succeeds in turns.
        if (n % 10 === 4) await fill(ballast, (n % 7) * 8_192);
        if (n % 10 === 9) await rm(ballast, { force: true });
        expect(database.begin().count("", "notes")).toBe(committed.length);
      }
      database.close();
      await rm(ballast, { force: true });
      const again = openDatabase(options);
      const rows = notes(again);
      expect(rows.map(({ value }) => value.number)).toEqual(committed);
      // Room for the next round.
      const transaction = again.begin();
      for (const { id } of rows) transaction.remove("", id);
      again.commit(transaction);
      committed.length = 0;
      again.close();
    }
    expect(said.some((line) => line.includes("cannot be written"))).toBe(true);
    expect(said.some((line) => line.includes("again"))).toBe(true);
  });
});

function notes(database: Database): StoredDocument[] {
  const scan = database.begin().scan("", {
    table: "notes",
    index: "by_creation_time",
    range: [],
    order: "asc",
  });
  const rows: StoredDocument[] = [];
  for (let row = scan.next(); row !== null; row = scan.next()) rows.push(row);
  return rows;
}

import fc from "fast-check";
import { expect, test } from "vitest";
import { cursorAfter, LATE_MS, scanFrom } from "./timeCursor.js";

const NOW = 1_700_000_000_000;

test.each([
  ["nothing was scanned yet", undefined, undefined],
  ["it is old", NOW - 10 * LATE_MS, NOW - 10 * LATE_MS],
  ["it was made just now", NOW - LATE_MS, NOW - LATE_MS],
  ["the clock has gone back", NOW - LATE_MS + 1, undefined],
])("a scan begins where it may: %s", (_, cursor, from) => {
  expect(scanFrom(cursor, NOW)).toBe(from);
});

test("a scan leaves nothing behind, however late and early rows are written", () => {
  const aRow = fc.record({
    /** When its transaction begins. */
    begunAt: fc.nat(600_000),
    /** When it is committed. */
    takes: fc.nat(LATE_MS - 1),
    /** How long after `begunAt` its time is. */
    ttl: fc.oneof(fc.nat(10), fc.nat(300_000)),
  });
  const aScan = fc.record({ at: fc.nat(900_000), most: fc.nat(3) });
  fc.assert(
    fc.property(
      fc.array(aRow, { maxLength: 30 }),
      fc.array(aScan, { minLength: 1, maxLength: 30 }),
      (written, drawn) => {
        const scans = [
          ...drawn.sort((a, b) => a.at - b.at),
          { at: 1_000_000, most: Infinity },
        ];
        const rows = new Set(
          written.map(({ begunAt, takes, ttl }) => ({
            committedAt: begunAt + takes,
            time: begunAt + ttl,
          })),
        );
        let cursor: number | undefined;
        for (const { at, most } of scans) {
          const from = scanFrom(cursor, at) ?? -Infinity;
          const found = [...rows]
            .filter(({ committedAt, time }) => committedAt < at && time >= from)
            .filter(({ time }) => time <= at)
            .sort((a, b) => a.time - b.time);
          for (const row of found.slice(0, most)) rows.delete(row);
          cursor = cursorAfter(found[most]?.time ?? null, at);
        }
        expect([...rows]).toEqual([]);
      },
    ),
  );
});

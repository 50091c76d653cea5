import { describe, expect, test } from "vitest";
import { costOf } from "../cost.js";

const GiB = 2 ** 30;
const USED = {
  calls: 0,
  clientCalls: 0,
  bytesRead: 0,
  bytesWritten: 0,
  computeMbMs: 0,
};

describe("what jobs cost in money", () => {
  test("is two dollars for a million calls, the clients' own left out", () => {
    const used = { ...USED, calls: 3000, clientCalls: 1000 };
    expect(costOf(used, 1000).dollarsPerMillion).toBe(4);
  });

  test("is thirty cents for a gigabyte of memory that lives for an hour", () => {
    const used = { ...USED, computeMbMs: 1024 * 3_600_000 };
    expect(costOf(used, 1000)).toEqual({
      computeGbHoursPerThousand: 1,
      databaseIoGbPerThousand: 0,
      dollarsPerMillion: 300,
    });
  });

  test("is twenty cents for a gigabyte read or written", () => {
    const used = { ...USED, bytesRead: 3 * GiB, bytesWritten: GiB };
    expect(costOf(used, 1000)).toEqual({
      computeGbHoursPerThousand: 0,
      databaseIoGbPerThousand: 4,
      dollarsPerMillion: 800,
    });
  });

  test("keeps the digits of what is small", () => {
    // An action of 100 ms.
    const used = { ...USED, computeMbMs: 64 * 100 };
    expect(costOf(used, 1).computeGbHoursPerThousand).toBe(0.00173611);
  });
});

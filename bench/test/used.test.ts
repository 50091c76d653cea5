import { describe, expect, test } from "vitest";
import { combined, type Used, without, zero } from "../used.js";

const calls = (count: number) => ({ ...zero(), calls: count, scheduled: 1 });

function used(byFunction: Used["byFunction"]): Used {
  const sum = Object.values(byFunction).reduce(
    (all, one) => combined(all, one, 1),
    zero(),
  );
  return { ...sum, clientCalls: 5, computeMbMs: 100, byFunction };
}

describe("what was used without the user's own functions", () => {
  const all = used({
    "|neighbours:empty": calls(3),
    "workpool|neighbours:empty": calls(20),
    "|jobs:action": calls(7),
  });

  test("is what all others used, functions of components by the same name included", () => {
    expect(without(all, ["neighbours:empty"], 3)).toEqual({
      ...all,
      calls: 27,
      scheduled: 2,
      clientCalls: 2,
      byFunction: {
        "workpool|neighbours:empty": calls(20),
        "|jobs:action": calls(7),
      },
    });
  });

  test("is everything if they were never called", () => {
    expect(without(all, ["neighbours:schedule"], 0)).toEqual(all);
  });
});

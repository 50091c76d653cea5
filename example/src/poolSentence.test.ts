import { expect, test } from "vitest";
import { poolSentence } from "./poolSentence.js";

const busy = {
  limit: 5,
  paused: false,
  running: 5,
  claimed: 20,
  pending: 337,
};

test.each([
  ["busy", {}, "5 of 5 running, 20 handed over, 312 waiting"],
  [
    "idle",
    { running: 0, claimed: 0, pending: 0 },
    "0 of 5 running, 0 handed over, 0 waiting",
  ],
  [
    "paused",
    { paused: true, running: 2 },
    "2 still running, 20 handed over, 315 waiting",
  ],
  [
    "a limit that was lowered",
    { running: 9 },
    "9 still running above the new limit of 5, 20 handed over, 308 waiting",
  ],
  [
    "counts behind the pool",
    { pending: 3 },
    "5 of 5 running, 20 handed over, 0 waiting",
  ],
])("%s", (_, change, expected) => {
  expect(poolSentence({ ...busy, ...change })).toBe(expected);
});

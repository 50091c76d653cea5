/** Bugs to plant that histories of the profile `light` find, each by the check it is there for. */
import type { CornerPlant } from "../corners/plants.js";

const PROMPT = "a work waited though there was room";

export const LIGHT_PLANTS: readonly CornerPlant[] = [
  {
    name: "driver-dawdles",
    what: "The executor that drives looks once in eight seconds.",
    rule: PROMPT,
    patches: [
      {
        file: "src/component/loop/drive.ts",
        text: "MAX_POLL_MS = Math.round(2.2 * SEGMENT_MS);",
        replacement: "MAX_POLL_MS = 80 * SEGMENT_MS;",
      },
    ],
    seed: 2,
  },
];

/** The seeds of the profile `classic` keep their meaning: what is drawn from them never changes. */
import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { drawSetting } from "../setting.js";
import { drawWorkload } from "../workload.js";

function drawn(seed: number): string {
  const setting = drawSetting(seed);
  const { works, calls, shadow } = drawWorkload(seed, setting.troubledMs);
  const all = { setting, works: [...works], calls, shadow };
  return createHash("sha256").update(JSON.stringify(all)).digest("hex");
}

test.each([
  [1, "0572aa612015a09b471e7a674ba9817bf122f6805ccad7a20ead2dbafe6a7f63"],
  [146, "3744300293d39e75284ac652c7e4a87583f55ce635dd11eb6447305a83c3a9f7"],
  [1448, "81dacd14117fa7474577701717e2a0df83b18c1123a13d19d0bee98ab812de23"],
  [18033, "8a8922eaadf9c719adbf615daac6ba9569449fd3f6ed92bfb1c90175a68900de"],
] as const)("seed %i", (seed, hash) => {
  expect(drawn(seed)).toBe(hash);
});

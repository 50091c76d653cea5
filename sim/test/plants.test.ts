import { expect, test } from "vitest";
import { pushedVersions } from "../versions.js";
import { findPlants } from "./findPlants.js";

findPlants(0, 2);

test("a plant whose text is not there, or not once, is refused", async () => {
  const file = "src/component/queue/wake.ts";
  const gone = { file, text: "no such text", replacement: "" };
  await expect(pushedVersions([gone])).rejects.toThrow(
    /wake\.ts should contain this text exactly once, but does 0 times/,
  );
  const common = { file, text: "return", replacement: "" };
  await expect(pushedVersions([common])).rejects.toThrow(/does \d+ times/);
});

import { componentsGeneric } from "convex/server";
import { Workpool } from "../../../../src/client/index.js";

export const pool = new Workpool(
  (componentsGeneric() as unknown as Record<string, Workpool["component"]>)
    .workpool!,
  { maxParallelism: 20 },
);

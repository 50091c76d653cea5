/** The pool that a call is about. */
import { Workpool as Peer } from "@convex-dev/workpool";
import { v } from "convex/values";
import { Workpool } from "../../../src/client/index.js";
import { components } from "./functions.js";

const vComponent = v.union(
  v.literal("workpool"),
  v.literal("@convex-dev/workpool"),
);

/** Arguments that name one of the two components. */
export const vComponentTarget = { pool: vComponent, parallelism: v.number() };

/** Arguments that name any pool. */
export const vTarget = {
  pool: v.union(...vComponent.members, v.literal("scheduler")),
  parallelism: v.number(),
};

/** The two components, whose clients are called alike. */
export function component(
  pool: typeof vComponent.type,
  maxParallelism: number,
): Workpool {
  return pool === "workpool"
    ? new Workpool(components.workpool, { maxParallelism })
    : (new Peer(components.peer, { maxParallelism }) as unknown as Workpool);
}

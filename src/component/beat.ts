/** What an attempt says of itself, and what it is told. Checks and validators only: see `work/progress.ts`. */
import { type Infer, v } from "convex/values";
import { refuse } from "./refusal.js";
import { checkText } from "./text.js";

export const MAX_STEP_LENGTH = 1000;

export const vBeat = v.object({
  progress: v.optional(v.number()),
  step: v.optional(v.string()),
});
export type Beat = {
  /** How much is done: from 0 to 1. */
  progress?: number;
  /** What it is at: 1 to 1,000 characters. */
  step?: string;
};

export const vAttemptState = v.union(
  v.literal("goesOn"),
  /** The work was canceled: this attempt may finish, and no other follows. */
  v.literal("canceled"),
  /** The work has ended, or another attempt is made: what this one does changes nothing any more. */
  v.literal("superseded"),
);
export type AttemptState = Infer<typeof vAttemptState>;

/** @throws naming what is wrong. */
export function checkBeat({ progress, step }: Beat): void {
  if (
    progress !== undefined &&
    !(Number.isFinite(progress) && progress >= 0 && progress <= 1)
  ) {
    refuse("progress", "a number from 0 to 1", progress);
  }
  if (step !== undefined) checkText("step", step, MAX_STEP_LENGTH);
}

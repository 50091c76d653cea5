/** Ways to draw a history from a seed. The same seed is another history in each. */
import type { App } from "../embedded/src/runtime/types.js";
import { runCornerHistory, runLightHistory } from "./corners/history.js";
import { type HistoryResult, runHistory } from "./history.js";
import { runLifeHistory } from "./life/history.js";

type Runner = (
  versions: readonly [App, App],
  seed: number,
  trace?: ((line: string) => void) | null,
) => Promise<HistoryResult>;

export const PROFILES = {
  /** Every fault there is, at small loads: what regressions.ts names are its seeds. */
  classic: runHistory,
  /** Every size, duration and load, and progress as much as safety. */
  corners: runCornerHistory,
  /** Chains and fans beside the app's own calls, where every wait shows. */
  light: runLightHistory,
  /** What works and people do over time: time-outs, expiry, keys, rounds, cancels, changes. */
  life: runLifeHistory,
} as const satisfies Record<string, Runner>;

export type Profile = keyof typeof PROFILES;

export const PROFILE_NAMES = Object.keys(PROFILES) as Profile[];

/** One history. */
export interface Task {
  profile: Profile;
  seed: number;
}

export async function runTask(
  versions: readonly [App, App],
  { profile, seed }: Task,
  trace: ((line: string) => void) | null = null,
): Promise<HistoryResult> {
  return await PROFILES[profile](versions, seed, trace);
}

/** `count` histories from the seed `from` on, half of them (rounded up) of the first profile where there are two. */
export function tasksOf(
  profiles: readonly Profile[],
  from: number,
  count: number,
): Task[] {
  return Array.from({ length: count }, (_, index) => ({
    profile: profiles[index % profiles.length]!,
    seed: from + Math.floor(index / profiles.length),
  }));
}

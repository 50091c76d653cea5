/**
 * Settings: what the app's code declares and what somebody set at run time are
 * kept apart, so that neither overwrites the other. A run-time override wins
 * until it is cleared. Pure.
 */
import type { Doc } from "../_generated/dataModel.js";
import { DEFAULT_LOG_LEVEL, type LogLevel } from "../logging.js";
import { type Ability, DEFAULT_MAX_PARALLELISM } from "../shared.js";

export type ConfigState = Omit<Doc<"config">, "_id" | "_creationTime">;
export type Declared = ConfigState["declared"];

export const UNSET: ConfigState = {
  declared: {},
  override: {},
  declaredAt: 0,
  epoch: 0,
};

export type EffectiveConfig = {
  maxParallelism: number;
  logLevel: LogLevel;
  /** Grows with every change of the effective parallelism. */
  epoch: number;
  /** What the platform is known to lack. */
  lacks: Ability[];
};

/** What is in force. `ownLevel` is what the component's own environment says. */
export function effective(
  { declared, override, epoch, lacks = [] }: ConfigState,
  ownLevel: LogLevel | undefined,
): EffectiveConfig {
  return {
    maxParallelism:
      override.maxParallelism ??
      declared.maxParallelism ??
      DEFAULT_MAX_PARALLELISM,
    logLevel:
      override.logLevel ??
      declared.logLevel ??
      declared.environmentLogLevel ??
      ownLevel ??
      DEFAULT_LOG_LEVEL,
    epoch,
    lacks,
  };
}

/** The overrides in force, each with what would be in force without it. */
export function overridesOf(
  state: ConfigState,
  ownLevel: LogLevel | undefined,
): {
  maxParallelism?: { value: number; insteadOf: number };
  logLevel?: { value: LogLevel; insteadOf: LogLevel };
} {
  const { maxParallelism, logLevel } = state.override;
  const without = effective({ ...state, override: {} }, ownLevel);
  return {
    ...(maxParallelism !== undefined && {
      maxParallelism: {
        value: maxParallelism,
        insteadOf: without.maxParallelism,
      },
    }),
    ...(logLevel !== undefined && {
      logLevel: { value: logLevel, insteadOf: without.logLevel },
    }),
  };
}

/** `settings` with what `change` mentions: null clears, undefined says nothing. */
export function withChange<S extends object>(
  settings: S,
  change: { [K in keyof S]?: S[K] | null },
): S {
  const changed = { ...settings };
  for (const key of Object.keys(change) as (keyof S)[]) {
    const value = change[key];
    if (value === null) {
      delete changed[key];
    } else if (value !== undefined) {
      changed[key] = value;
    }
  }
  return changed;
}

/** Of flat objects. */
export function same<S extends object>(a: S, b: S): boolean {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof S>;
  return [...keys].every((key) => a[key] === b[key]);
}

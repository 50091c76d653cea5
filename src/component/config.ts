/**
 * Settings: what the app's code declares and what somebody set at run time are
 * kept apart, so that neither overwrites the other. A run-time override wins
 * until it is cleared.
 */
import { type Infer, v } from "convex/values";
import type { Doc } from "./_generated/dataModel.js";
import {
  mutation,
  type MutationCtx,
  type QueryCtx,
} from "./_generated/server.js";
import { logLevelFromEnv } from "./env.js";
import {
  createLogger,
  DEFAULT_LOG_LEVEL,
  logLevel,
  type LogLevel,
  recordLacking,
} from "./logging.js";
import { probePlatform } from "./platform.js";
import { type Ability, DEFAULT_MAX_PARALLELISM, MINUTE } from "./shared.js";
import { checkLogLevel, checkMaxParallelism } from "./validate.js";
import { wakeForChange } from "./wake.js";

/**
 * Two `Workpool` objects that declare different values for one pool must not
 * fight over the row that every enqueue reads.
 */
export const DECLARE_INTERVAL_MS = MINUTE;

/** What the app's `Workpool` object declares with every enqueue. */
export const vDeclaration = v.object({
  maxParallelism: v.optional(v.number()),
  logLevel: v.optional(logLevel),
  /** What the app's `WORKPOOL_LOG_LEVEL` says, which a component cannot see. Null: nothing. */
  environmentLogLevel: v.optional(v.union(logLevel, v.null())),
});
export type Declaration = Infer<typeof vDeclaration>;

export type EffectiveConfig = {
  maxParallelism: number;
  logLevel: LogLevel;
  /** Grows with every change of the effective parallelism. */
  epoch: number;
  /** What the platform is known to lack. */
  lacks: Ability[];
};
type ConfigState = Omit<Doc<"config">, "_id" | "_creationTime">;

const UNSET: ConfigState = {
  declared: {},
  override: {},
  declaredAt: 0,
  epoch: 0,
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

function same<S extends object>(a: S, b: S): boolean {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]) as Set<keyof S>;
  return [...keys].every((key) => a[key] === b[key]);
}

export function checkSettings(settings: {
  maxParallelism?: number | null | undefined;
  logLevel?: LogLevel | null | undefined;
}): void {
  if (settings.maxParallelism != null) {
    checkMaxParallelism(settings.maxParallelism);
  }
  if (settings.logLevel != null) {
    checkLogLevel(settings.logLevel);
  }
}

/**
 * Changes settings at run time. What is set here stays in force, whatever the
 * app's code declares, until it is set to null. A parallelism of 0 pauses.
 */
export const update = mutation({
  args: {
    maxParallelism: v.optional(v.union(v.number(), v.null())),
    logLevel: v.optional(v.union(logLevel, v.null())),
  },
  returns: v.null(),
  handler: async (ctx, change) => {
    checkSettings(change);
    const row = await readRow(ctx);
    const state = row ?? UNSET;
    const override = withChange(state.override, change);
    if (!same(override, state.override)) {
      await write(ctx, row, { override });
    }
    return null;
  },
});

/**
 * Takes note of what the app's `Workpool` object says, and returns what is in
 * force. What it does not say stays as it was declared before.
 */
export async function declare(
  ctx: MutationCtx,
  declaration: Declaration,
): Promise<EffectiveConfig> {
  const row = await readRow(ctx);
  const state = row ?? UNSET;
  const lacks = state.lacks ?? (await lookAtPlatform(ctx, state));
  const declared = withChange(state.declared, declaration);
  const now = Date.now();
  let change: Partial<ConfigState> = {};
  if (row === null || !same(declared, state.declared)) {
    if (now < state.declaredAt + DECLARE_INTERVAL_MS) {
      createLogger(effective(state, logLevelFromEnv()).logLevel).warn(
        `[workpool] ${JSON.stringify(declaration)} was declared less than a minute after ${JSON.stringify(state.declared)}, which stays in force for now. If two Workpool objects share one pool, give them the same options.`,
      );
    } else {
      change = { declared, declaredAt: now };
    }
  }
  return state.lacks && same(change, {})
    ? effective(state, logLevelFromEnv())
    : await write(ctx, row, { ...change, lacks });
}

/** @throws when the pool cannot do without what is lacking. */
async function lookAtPlatform(
  ctx: MutationCtx,
  state: ConfigState,
): Promise<Ability[]> {
  const lacks = await probePlatform(ctx);
  if (lacks.length > 0) {
    const { logLevel } = effective(state, logLevelFromEnv());
    recordLacking(createLogger(logLevel), lacks);
  }
  return lacks;
}

async function write(
  ctx: MutationCtx,
  row: Doc<"config"> | null,
  change: Partial<ConfigState>,
): Promise<EffectiveConfig> {
  const ownLevel = logLevelFromEnv();
  const before = row ?? UNSET;
  const after = { ...before, ...change };
  const changesParallelism =
    effective(before, ownLevel).maxParallelism !==
    effective(after, ownLevel).maxParallelism;
  const { declared, override, declaredAt, lacks } = after;
  const state: ConfigState = {
    declared,
    override,
    declaredAt,
    ...(lacks ? { lacks } : {}),
    epoch: before.epoch + (changesParallelism ? 1 : 0),
  };
  if (row === null) {
    await ctx.db.insert("config", state);
  } else {
    await ctx.db.replace("config", row._id, state);
  }
  if (changesParallelism) {
    await wakeForChange(ctx);
  }
  return effective(state, ownLevel);
}

/** What is in force. Before the first enqueue: the defaults. */
export async function effectiveConfig(ctx: QueryCtx): Promise<EffectiveConfig> {
  return effective((await readRow(ctx)) ?? UNSET, logLevelFromEnv());
}

function readRow(ctx: QueryCtx): Promise<Doc<"config"> | null> {
  return ctx.db.query("config").unique();
}

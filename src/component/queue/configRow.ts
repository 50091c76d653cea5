/**
 * The row of the pool's settings: who declares them, and what is in force. `settings.ts`
 * combines them, `declaration.ts` says when a declaration is written.
 */
import { type Infer, v } from "convex/values";
import type { Doc } from "../_generated/dataModel.js";
import type { MutationCtx, QueryCtx } from "../_generated/server.js";
import { logLevelFromEnv } from "../env.js";
import {
  createLogger,
  logLevel,
  type LogLevel,
  recordIncident,
  recordLacking,
} from "../logging.js";
import { probePlatform } from "../platform.js";
import type { Ability } from "../shared.js";
import { checkLogLevel, checkMaxParallelism } from "../validate.js";
import { type Disagreement, disagreementOf, takeNote } from "./declaration.js";
import {
  type ConfigState,
  effective,
  type EffectiveConfig,
  same,
  UNSET,
  withChange,
} from "./settings.js";
import { vSettings } from "./settingsValidators.js";
import { wakeForChange } from "./wake.js";

export type { EffectiveConfig } from "./settings.js";

/** What the app's `Workpool` object declares with every enqueue. */
export const vDeclaration = v.object({
  ...vSettings.fields,
  /** What the app's `WORKPOOL_LOG_LEVEL` says, which a component cannot see. Null: nothing. */
  environmentLogLevel: v.optional(v.union(logLevel, v.null())),
});
export type Declaration = Infer<typeof vDeclaration>;

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
  const now = Date.now();
  const declared = withChange(state.declared, declaration);
  const change = takeNote(state, declared, now);
  if (state.lacks && same(change, {})) {
    return effective(state, logLevelFromEnv());
  }
  const inForce = await writeSettings(ctx, row, { ...change, lacks });
  const disagreement = disagreementOf({ ...state, ...change }, now);
  if (disagreement && !disagreementOf(state, now)) {
    warnOf(inForce, disagreement);
  }
  return inForce;
}

function warnOf(
  { logLevel }: EffectiveConfig,
  { declared, other }: Disagreement,
): void {
  recordIncident(
    createLogger(logLevel),
    "warn",
    "disagreement",
    "Two Workpool objects declare different options for this pool, which goes by one and the other in turn: give them the same",
    { declared, other },
  );
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

export async function writeSettings(
  ctx: MutationCtx,
  row: Doc<"config"> | null,
  change: { [K in keyof ConfigState]?: ConfigState[K] | undefined },
): Promise<EffectiveConfig> {
  const ownLevel = logLevelFromEnv();
  const before = row ?? UNSET;
  const { _id, _creationTime, ...after } = {
    ...before,
    ...change,
  } as Doc<"config">;
  const changesParallelism =
    effective(before, ownLevel).maxParallelism !==
    effective(after, ownLevel).maxParallelism;
  const state = {
    ...after,
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
  return effective(await readSettings(ctx), logLevelFromEnv());
}

/** Before the first enqueue: nothing is declared, and nothing overridden. */
export async function readSettings(ctx: QueryCtx): Promise<ConfigState> {
  return (await readRow(ctx)) ?? UNSET;
}

export function readRow(ctx: QueryCtx): Promise<Doc<"config"> | null> {
  return ctx.db.query("config").unique();
}

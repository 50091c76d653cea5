/** `components.workpool.config`: settings at run time. */
import { v } from "convex/values";
import { mutation, query } from "./_generated/server.js";
import { logLevelFromEnv } from "./env.js";
import { logLevel } from "./logging.js";
import {
  checkSettings,
  readRow,
  vDeclaration,
  writeSettings,
} from "./queue/configRow.js";
import { disagreementOf } from "./queue/declaration.js";
import {
  effective,
  overridesOf,
  same,
  UNSET,
  withChange,
} from "./queue/settings.js";
import { vDeclared, vOverrides } from "./queue/settingsValidators.js";

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
    const changes = !same(override, state.override);
    if (changes || state.rival) {
      await writeSettings(ctx, row, {
        override,
        ...(changes ? { overriddenAt: Date.now() } : {}),
        // Whoever decides at run time has settled what the code disagrees about.
        rival: undefined,
      });
    }
    return null;
  },
});

/**
 * Takes over what the app's `Workpool` object declares, at once and whatever was declared
 * before. An enqueue does the same, but not within a minute of another declaration.
 */
export const declare = mutation({
  args: vDeclaration,
  returns: v.null(),
  handler: async (ctx, declaration) => {
    checkSettings(declaration);
    const row = await readRow(ctx);
    const state = row ?? UNSET;
    const declared = withChange(state.declared, declaration);
    if (same(declared, state.declared) && !state.rival) return null;
    await writeSettings(ctx, row, {
      declared,
      declaredAt: Date.now(),
      // Whoever calls this has settled what several objects disagree about.
      rival: undefined,
    });
    return null;
  },
});

/**
 * What is in force, and where it comes from. Reads one row, which changes with
 * the settings alone. Times are in milliseconds since the epoch.
 */
export const get = query({
  args: {},
  returns: v.object({
    /** What the pool goes by. */
    inForce: v.object({ maxParallelism: v.number(), logLevel }),
    /** What the app's `Workpool` object and its environment said last. What they do not say is missing. */
    declared: vDeclared,
    /** When that changed last. Null: nothing was ever declared. */
    declaredAt: v.union(v.number(), v.null()),
    /** What `config.update` has set, each with what would be in force without it. */
    overrides: vOverrides,
    /** When `config.update` last changed something. Null: never, as far as is known. */
    overriddenAt: v.union(v.number(), v.null()),
    /** What another `Workpool` object declared within the last hour, and when that was noted. Null: they agree. */
    disagreement: v.union(
      v.null(),
      v.object({ other: vDeclared, at: v.number() }),
    ),
  }),
  handler: async (ctx) => {
    const state = (await readRow(ctx)) ?? UNSET;
    const ownLevel = logLevelFromEnv();
    const { maxParallelism, logLevel } = effective(state, ownLevel);
    const disagreement = disagreementOf(state, Date.now());
    return {
      inForce: { maxParallelism, logLevel },
      declared: state.declared,
      declaredAt: state.declaredAt || null,
      overrides: overridesOf(state, ownLevel),
      overriddenAt: state.overriddenAt ?? null,
      disagreement: disagreement && {
        other: disagreement.other,
        at: disagreement.at,
      },
    };
  },
});

/* eslint-disable */
/**
 * Generated `api` utility.
 *
 * THIS CODE IS AUTOMATICALLY GENERATED.
 *
 * To regenerate, run `npx convex dev`.
 * @module
 */

import type * as backoff from "../backoff.js";
import type * as begun from "../begun.js";
import type * as budget from "../budget.js";
import type * as callback from "../callback.js";
import type * as callbackHealth from "../callbackHealth.js";
import type * as callbackKick from "../callbackKick.js";
import type * as callbackSchedule from "../callbackSchedule.js";
import type * as cancel from "../cancel.js";
import type * as claims from "../claims.js";
import type * as config from "../config.js";
import type * as declaration from "../declaration.js";
import type * as diagnose from "../diagnose.js";
import type * as enqueue from "../enqueue.js";
import type * as entries from "../entries.js";
import type * as env from "../env.js";
import type * as errorText from "../errorText.js";
import type * as errors from "../errors.js";
import type * as executor_ahead from "../executor/ahead.js";
import type * as executor_attempt from "../executor/attempt.js";
import type * as executor_bell from "../executor/bell.js";
import type * as executor_delivery from "../executor/delivery.js";
import type * as executor_lifetime from "../executor/lifetime.js";
import type * as executor_log from "../executor/log.js";
import type * as executor_memory from "../executor/memory.js";
import type * as executor_positions from "../executor/positions.js";
import type * as executor_protocol from "../executor/protocol.js";
import type * as executor_report from "../executor/report.js";
import type * as executor_reporter from "../executor/reporter.js";
import type * as executor_results from "../executor/results.js";
import type * as executor_run from "../executor/run.js";
import type * as executor_sleep from "../executor/sleep.js";
import type * as executor_step from "../executor/step.js";
import type * as executor_transaction from "../executor/transaction.js";
import type * as facts from "../facts.js";
import type * as health from "../health.js";
import type * as invoke from "../invoke.js";
import type * as lib from "../lib.js";
import type * as logging from "../logging.js";
import type * as loop_caller from "../loop/caller.js";
import type * as loop_decide from "../loop/decide.js";
import type * as loop_drive from "../loop/drive.js";
import type * as loop_driverTurn from "../loop/driverTurn.js";
import type * as loop_executors from "../loop/executors.js";
import type * as loop_fate from "../loop/fate.js";
import type * as loop_lease from "../loop/lease.js";
import type * as loop_look from "../loop/look.js";
import type * as loop_losses from "../loop/losses.js";
import type * as loop_pieces from "../loop/pieces.js";
import type * as loop_plan from "../loop/plan.js";
import type * as loop_planView from "../loop/planView.js";
import type * as loop_recover from "../loop/recover.js";
import type * as loop_recovery from "../loop/recovery.js";
import type * as loop_start from "../loop/start.js";
import type * as loop_state from "../loop/state.js";
import type * as loop_stats from "../loop/stats.js";
import type * as loop_tick from "../loop/tick.js";
import type * as loop_turn from "../loop/turn.js";
import type * as loop_watch from "../loop/watch.js";
import type * as loop_watchdog from "../loop/watchdog.js";
import type * as names from "../names.js";
import type * as nesting from "../nesting.js";
import type * as outcome from "../outcome.js";
import type * as payload from "../payload.js";
import type * as platform from "../platform.js";
import type * as platformTexts from "../platformTexts.js";
import type * as poolHealth from "../poolHealth.js";
import type * as refusal from "../refusal.js";
import type * as result from "../result.js";
import type * as retention from "../retention.js";
import type * as settings from "../settings.js";
import type * as settingsValidators from "../settingsValidators.js";
import type * as shared from "../shared.js";
import type * as status from "../status.js";
import type * as timeCursor from "../timeCursor.js";
import type * as userShare from "../userShare.js";
import type * as validate from "../validate.js";
import type * as wake from "../wake.js";
import type * as words from "../words.js";
import type * as workInfo from "../workInfo.js";
import type * as wrongType from "../wrongType.js";

import type {
  ApiFromModules,
  FilterApi,
  FunctionReference,
} from "convex/server";
import { anyApi, componentsGeneric } from "convex/server";

const fullApi: ApiFromModules<{
  backoff: typeof backoff;
  begun: typeof begun;
  budget: typeof budget;
  callback: typeof callback;
  callbackHealth: typeof callbackHealth;
  callbackKick: typeof callbackKick;
  callbackSchedule: typeof callbackSchedule;
  cancel: typeof cancel;
  claims: typeof claims;
  config: typeof config;
  declaration: typeof declaration;
  diagnose: typeof diagnose;
  enqueue: typeof enqueue;
  entries: typeof entries;
  env: typeof env;
  errorText: typeof errorText;
  errors: typeof errors;
  "executor/ahead": typeof executor_ahead;
  "executor/attempt": typeof executor_attempt;
  "executor/bell": typeof executor_bell;
  "executor/delivery": typeof executor_delivery;
  "executor/lifetime": typeof executor_lifetime;
  "executor/log": typeof executor_log;
  "executor/memory": typeof executor_memory;
  "executor/positions": typeof executor_positions;
  "executor/protocol": typeof executor_protocol;
  "executor/report": typeof executor_report;
  "executor/reporter": typeof executor_reporter;
  "executor/results": typeof executor_results;
  "executor/run": typeof executor_run;
  "executor/sleep": typeof executor_sleep;
  "executor/step": typeof executor_step;
  "executor/transaction": typeof executor_transaction;
  facts: typeof facts;
  health: typeof health;
  invoke: typeof invoke;
  lib: typeof lib;
  logging: typeof logging;
  "loop/caller": typeof loop_caller;
  "loop/decide": typeof loop_decide;
  "loop/drive": typeof loop_drive;
  "loop/driverTurn": typeof loop_driverTurn;
  "loop/executors": typeof loop_executors;
  "loop/fate": typeof loop_fate;
  "loop/lease": typeof loop_lease;
  "loop/look": typeof loop_look;
  "loop/losses": typeof loop_losses;
  "loop/pieces": typeof loop_pieces;
  "loop/plan": typeof loop_plan;
  "loop/planView": typeof loop_planView;
  "loop/recover": typeof loop_recover;
  "loop/recovery": typeof loop_recovery;
  "loop/start": typeof loop_start;
  "loop/state": typeof loop_state;
  "loop/stats": typeof loop_stats;
  "loop/tick": typeof loop_tick;
  "loop/turn": typeof loop_turn;
  "loop/watch": typeof loop_watch;
  "loop/watchdog": typeof loop_watchdog;
  names: typeof names;
  nesting: typeof nesting;
  outcome: typeof outcome;
  payload: typeof payload;
  platform: typeof platform;
  platformTexts: typeof platformTexts;
  poolHealth: typeof poolHealth;
  refusal: typeof refusal;
  result: typeof result;
  retention: typeof retention;
  settings: typeof settings;
  settingsValidators: typeof settingsValidators;
  shared: typeof shared;
  status: typeof status;
  timeCursor: typeof timeCursor;
  userShare: typeof userShare;
  validate: typeof validate;
  wake: typeof wake;
  words: typeof words;
  workInfo: typeof workInfo;
  wrongType: typeof wrongType;
}> = anyApi as any;

/**
 * A utility for referencing Convex functions in your app's public API.
 *
 * Usage:
 * ```js
 * const myFunctionReference = api.myModule.myFunction;
 * ```
 */
export const api: FilterApi<
  typeof fullApi,
  FunctionReference<any, "public">
> = anyApi as any;

/**
 * A utility for referencing Convex functions in your app's internal API.
 *
 * Usage:
 * ```js
 * const myFunctionReference = internal.myModule.myFunction;
 * ```
 */
export const internal: FilterApi<
  typeof fullApi,
  FunctionReference<any, "internal">
> = anyApi as any;

export const components = componentsGeneric() as unknown as {};

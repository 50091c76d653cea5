/* eslint-disable */
/**
 * Generated `api` utility.
 *
 * THIS CODE IS AUTOMATICALLY GENERATED.
 *
 * To regenerate, run `npx convex dev`.
 * @module
 */

import type * as attempts from "../attempts.js";
import type * as backoff from "../backoff.js";
import type * as beat from "../beat.js";
import type * as budget from "../budget.js";
import type * as config from "../config.js";
import type * as env from "../env.js";
import type * as errors from "../errors.js";
import type * as executor_ahead from "../executor/ahead.js";
import type * as executor_attempt from "../executor/attempt.js";
import type * as executor_bell from "../executor/bell.js";
import type * as executor_held from "../executor/held.js";
import type * as executor_lifetime from "../executor/lifetime.js";
import type * as executor_log from "../executor/log.js";
import type * as executor_memory from "../executor/memory.js";
import type * as executor_permits from "../executor/permits.js";
import type * as executor_protocol from "../executor/protocol.js";
import type * as executor_reply from "../executor/reply.js";
import type * as executor_report from "../executor/report.js";
import type * as executor_reporter from "../executor/reporter.js";
import type * as executor_results from "../executor/results.js";
import type * as executor_run from "../executor/run.js";
import type * as executor_sleep from "../executor/sleep.js";
import type * as executor_slots from "../executor/slots.js";
import type * as executor_step from "../executor/step.js";
import type * as executor_timeouts from "../executor/timeouts.js";
import type * as executor_transaction from "../executor/transaction.js";
import type * as executor_unreported from "../executor/unreported.js";
import type * as identity from "../identity.js";
import type * as lib from "../lib.js";
import type * as logging from "../logging.js";
import type * as loop_admit from "../loop/admit.js";
import type * as loop_attempt from "../loop/attempt.js";
import type * as loop_caller from "../loop/caller.js";
import type * as loop_classRoom from "../loop/classRoom.js";
import type * as loop_decide from "../loop/decide.js";
import type * as loop_delivery from "../loop/delivery.js";
import type * as loop_drive from "../loop/drive.js";
import type * as loop_driverTurn from "../loop/driverTurn.js";
import type * as loop_executorViews from "../loop/executorViews.js";
import type * as loop_executors from "../loop/executors.js";
import type * as loop_expire from "../loop/expire.js";
import type * as loop_fate from "../loop/fate.js";
import type * as loop_frozen from "../loop/frozen.js";
import type * as loop_lane from "../loop/lane.js";
import type * as loop_lease from "../loop/lease.js";
import type * as loop_limits from "../loop/limits.js";
import type * as loop_look from "../loop/look.js";
import type * as loop_losses from "../loop/losses.js";
import type * as loop_pieces from "../loop/pieces.js";
import type * as loop_plan from "../loop/plan.js";
import type * as loop_planView from "../loop/planView.js";
import type * as loop_positions from "../loop/positions.js";
import type * as loop_recover from "../loop/recover.js";
import type * as loop_recovery from "../loop/recovery.js";
import type * as loop_room from "../loop/room.js";
import type * as loop_scan from "../loop/scan.js";
import type * as loop_start from "../loop/start.js";
import type * as loop_state from "../loop/state.js";
import type * as loop_stats from "../loop/stats.js";
import type * as loop_tick from "../loop/tick.js";
import type * as loop_transition from "../loop/transition.js";
import type * as loop_turn from "../loop/turn.js";
import type * as loop_turning from "../loop/turning.js";
import type * as loop_wanted from "../loop/wanted.js";
import type * as loop_watch from "../loop/watch.js";
import type * as loop_watchdog from "../loop/watchdog.js";
import type * as names from "../names.js";
import type * as nesting from "../nesting.js";
import type * as observe_begun from "../observe/begun.js";
import type * as observe_callbackHealth from "../observe/callbackHealth.js";
import type * as observe_claims from "../observe/claims.js";
import type * as observe_cleanError from "../observe/cleanError.js";
import type * as observe_counts from "../observe/counts.js";
import type * as observe_cursor from "../observe/cursor.js";
import type * as observe_diagnose from "../observe/diagnose.js";
import type * as observe_facts from "../observe/facts.js";
import type * as observe_health from "../observe/health.js";
import type * as observe_list from "../observe/list.js";
import type * as observe_listClaimed from "../observe/listClaimed.js";
import type * as observe_listTagged from "../observe/listTagged.js";
import type * as observe_listed from "../observe/listed.js";
import type * as observe_poolHealth from "../observe/poolHealth.js";
import type * as observe_status from "../observe/status.js";
import type * as observe_words from "../observe/words.js";
import type * as observe_workInfo from "../observe/workInfo.js";
import type * as observe_workList from "../observe/workList.js";
import type * as platform from "../platform.js";
import type * as platformTexts from "../platformTexts.js";
import type * as pool from "../pool.js";
import type * as queue_configRow from "../queue/configRow.js";
import type * as queue_declaration from "../queue/declaration.js";
import type * as queue_entries from "../queue/entries.js";
import type * as queue_expiring from "../queue/expiring.js";
import type * as queue_settings from "../queue/settings.js";
import type * as queue_settingsValidators from "../queue/settingsValidators.js";
import type * as queue_startBy from "../queue/startBy.js";
import type * as queue_wake from "../queue/wake.js";
import type * as refusal from "../refusal.js";
import type * as shared from "../shared.js";
import type * as tally from "../tally.js";
import type * as text from "../text.js";
import type * as timeCursor from "../timeCursor.js";
import type * as unique from "../unique.js";
import type * as validate from "../validate.js";
import type * as validateTime from "../validateTime.js";
import type * as work_callback from "../work/callback.js";
import type * as work_callbackKick from "../work/callbackKick.js";
import type * as work_callbackRetry from "../work/callbackRetry.js";
import type * as work_callbackSchedule from "../work/callbackSchedule.js";
import type * as work_cancel from "../work/cancel.js";
import type * as work_conclude from "../work/conclude.js";
import type * as work_enqueue from "../work/enqueue.js";
import type * as work_errorData from "../work/errorData.js";
import type * as work_errorText from "../work/errorText.js";
import type * as work_filter from "../work/filter.js";
import type * as work_follow from "../work/follow.js";
import type * as work_forget from "../work/forget.js";
import type * as work_history from "../work/history.js";
import type * as work_invoke from "../work/invoke.js";
import type * as work_kept from "../work/kept.js";
import type * as work_late from "../work/late.js";
import type * as work_live from "../work/live.js";
import type * as work_next from "../work/next.js";
import type * as work_notice from "../work/notice.js";
import type * as work_oneOutcome from "../work/oneOutcome.js";
import type * as work_operation from "../work/operation.js";
import type * as work_outcome from "../work/outcome.js";
import type * as work_payload from "../work/payload.js";
import type * as work_progress from "../work/progress.js";
import type * as work_quarantine from "../work/quarantine.js";
import type * as work_requeueAwake from "../work/requeueAwake.js";
import type * as work_result from "../work/result.js";
import type * as work_retention from "../work/retention.js";
import type * as work_retry from "../work/retry.js";
import type * as work_settle from "../work/settle.js";
import type * as work_settler from "../work/settler.js";
import type * as work_stopRetries from "../work/stopRetries.js";
import type * as work_tags from "../work/tags.js";
import type * as work_unique from "../work/unique.js";
import type * as work_uniqueSweep from "../work/uniqueSweep.js";
import type * as work_update from "../work/update.js";
import type * as work_userShare from "../work/userShare.js";
import type * as work_wire from "../work/wire.js";
import type * as work_wrongType from "../work/wrongType.js";
import type * as works from "../works.js";

import type {
  ApiFromModules,
  FilterApi,
  FunctionReference,
} from "convex/server";
import { anyApi, componentsGeneric } from "convex/server";

const fullApi: ApiFromModules<{
  attempts: typeof attempts;
  backoff: typeof backoff;
  beat: typeof beat;
  budget: typeof budget;
  config: typeof config;
  env: typeof env;
  errors: typeof errors;
  "executor/ahead": typeof executor_ahead;
  "executor/attempt": typeof executor_attempt;
  "executor/bell": typeof executor_bell;
  "executor/held": typeof executor_held;
  "executor/lifetime": typeof executor_lifetime;
  "executor/log": typeof executor_log;
  "executor/memory": typeof executor_memory;
  "executor/permits": typeof executor_permits;
  "executor/protocol": typeof executor_protocol;
  "executor/reply": typeof executor_reply;
  "executor/report": typeof executor_report;
  "executor/reporter": typeof executor_reporter;
  "executor/results": typeof executor_results;
  "executor/run": typeof executor_run;
  "executor/sleep": typeof executor_sleep;
  "executor/slots": typeof executor_slots;
  "executor/step": typeof executor_step;
  "executor/timeouts": typeof executor_timeouts;
  "executor/transaction": typeof executor_transaction;
  "executor/unreported": typeof executor_unreported;
  identity: typeof identity;
  lib: typeof lib;
  logging: typeof logging;
  "loop/admit": typeof loop_admit;
  "loop/attempt": typeof loop_attempt;
  "loop/caller": typeof loop_caller;
  "loop/classRoom": typeof loop_classRoom;
  "loop/decide": typeof loop_decide;
  "loop/delivery": typeof loop_delivery;
  "loop/drive": typeof loop_drive;
  "loop/driverTurn": typeof loop_driverTurn;
  "loop/executorViews": typeof loop_executorViews;
  "loop/executors": typeof loop_executors;
  "loop/expire": typeof loop_expire;
  "loop/fate": typeof loop_fate;
  "loop/frozen": typeof loop_frozen;
  "loop/lane": typeof loop_lane;
  "loop/lease": typeof loop_lease;
  "loop/limits": typeof loop_limits;
  "loop/look": typeof loop_look;
  "loop/losses": typeof loop_losses;
  "loop/pieces": typeof loop_pieces;
  "loop/plan": typeof loop_plan;
  "loop/planView": typeof loop_planView;
  "loop/positions": typeof loop_positions;
  "loop/recover": typeof loop_recover;
  "loop/recovery": typeof loop_recovery;
  "loop/room": typeof loop_room;
  "loop/scan": typeof loop_scan;
  "loop/start": typeof loop_start;
  "loop/state": typeof loop_state;
  "loop/stats": typeof loop_stats;
  "loop/tick": typeof loop_tick;
  "loop/transition": typeof loop_transition;
  "loop/turn": typeof loop_turn;
  "loop/turning": typeof loop_turning;
  "loop/wanted": typeof loop_wanted;
  "loop/watch": typeof loop_watch;
  "loop/watchdog": typeof loop_watchdog;
  names: typeof names;
  nesting: typeof nesting;
  "observe/begun": typeof observe_begun;
  "observe/callbackHealth": typeof observe_callbackHealth;
  "observe/claims": typeof observe_claims;
  "observe/cleanError": typeof observe_cleanError;
  "observe/counts": typeof observe_counts;
  "observe/cursor": typeof observe_cursor;
  "observe/diagnose": typeof observe_diagnose;
  "observe/facts": typeof observe_facts;
  "observe/health": typeof observe_health;
  "observe/list": typeof observe_list;
  "observe/listClaimed": typeof observe_listClaimed;
  "observe/listTagged": typeof observe_listTagged;
  "observe/listed": typeof observe_listed;
  "observe/poolHealth": typeof observe_poolHealth;
  "observe/status": typeof observe_status;
  "observe/words": typeof observe_words;
  "observe/workInfo": typeof observe_workInfo;
  "observe/workList": typeof observe_workList;
  platform: typeof platform;
  platformTexts: typeof platformTexts;
  pool: typeof pool;
  "queue/configRow": typeof queue_configRow;
  "queue/declaration": typeof queue_declaration;
  "queue/entries": typeof queue_entries;
  "queue/expiring": typeof queue_expiring;
  "queue/settings": typeof queue_settings;
  "queue/settingsValidators": typeof queue_settingsValidators;
  "queue/startBy": typeof queue_startBy;
  "queue/wake": typeof queue_wake;
  refusal: typeof refusal;
  shared: typeof shared;
  tally: typeof tally;
  text: typeof text;
  timeCursor: typeof timeCursor;
  unique: typeof unique;
  validate: typeof validate;
  validateTime: typeof validateTime;
  "work/callback": typeof work_callback;
  "work/callbackKick": typeof work_callbackKick;
  "work/callbackRetry": typeof work_callbackRetry;
  "work/callbackSchedule": typeof work_callbackSchedule;
  "work/cancel": typeof work_cancel;
  "work/conclude": typeof work_conclude;
  "work/enqueue": typeof work_enqueue;
  "work/errorData": typeof work_errorData;
  "work/errorText": typeof work_errorText;
  "work/filter": typeof work_filter;
  "work/follow": typeof work_follow;
  "work/forget": typeof work_forget;
  "work/history": typeof work_history;
  "work/invoke": typeof work_invoke;
  "work/kept": typeof work_kept;
  "work/late": typeof work_late;
  "work/live": typeof work_live;
  "work/next": typeof work_next;
  "work/notice": typeof work_notice;
  "work/oneOutcome": typeof work_oneOutcome;
  "work/operation": typeof work_operation;
  "work/outcome": typeof work_outcome;
  "work/payload": typeof work_payload;
  "work/progress": typeof work_progress;
  "work/quarantine": typeof work_quarantine;
  "work/requeueAwake": typeof work_requeueAwake;
  "work/result": typeof work_result;
  "work/retention": typeof work_retention;
  "work/retry": typeof work_retry;
  "work/settle": typeof work_settle;
  "work/settler": typeof work_settler;
  "work/stopRetries": typeof work_stopRetries;
  "work/tags": typeof work_tags;
  "work/unique": typeof work_unique;
  "work/uniqueSweep": typeof work_uniqueSweep;
  "work/update": typeof work_update;
  "work/userShare": typeof work_userShare;
  "work/wire": typeof work_wire;
  "work/wrongType": typeof work_wrongType;
  works: typeof works;
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

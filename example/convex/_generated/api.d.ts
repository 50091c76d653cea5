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
import type * as cancel from "../cancel.js";
import type * as counts from "../counts.js";
import type * as deliveries from "../deliveries.js";
import type * as dispatch from "../dispatch.js";
import type * as endpoints from "../endpoints.js";
import type * as events from "../events.js";
import type * as github from "../github.js";
import type * as http from "../http.js";
import type * as order from "../order.js";
import type * as pool from "../pool.js";
import type * as post from "../post.js";
import type * as progress from "../progress.js";
import type * as redeliver from "../redeliver.js";
import type * as settings from "../settings.js";
import type * as signing from "../signing.js";
import type * as status from "../status.js";
import type * as verdict from "../verdict.js";

import type {
  ApiFromModules,
  FilterApi,
  FunctionReference,
} from "convex/server";

declare const fullApi: ApiFromModules<{
  attempts: typeof attempts;
  cancel: typeof cancel;
  counts: typeof counts;
  deliveries: typeof deliveries;
  dispatch: typeof dispatch;
  endpoints: typeof endpoints;
  events: typeof events;
  github: typeof github;
  http: typeof http;
  order: typeof order;
  pool: typeof pool;
  post: typeof post;
  progress: typeof progress;
  redeliver: typeof redeliver;
  settings: typeof settings;
  signing: typeof signing;
  status: typeof status;
  verdict: typeof verdict;
}>;

/**
 * A utility for referencing Convex functions in your app's public API.
 *
 * Usage:
 * ```js
 * const myFunctionReference = api.myModule.myFunction;
 * ```
 */
export declare const api: FilterApi<
  typeof fullApi,
  FunctionReference<any, "public">
>;

/**
 * A utility for referencing Convex functions in your app's internal API.
 *
 * Usage:
 * ```js
 * const myFunctionReference = internal.myModule.myFunction;
 * ```
 */
export declare const internal: FilterApi<
  typeof fullApi,
  FunctionReference<any, "internal">
>;

export declare const components: {
  workpool: import("convex-workpool/_generated/component.js").ComponentApi<"workpool">;
};

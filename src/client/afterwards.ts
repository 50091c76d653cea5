/** What apps ask and do about works afterwards: types, and checks of what is passed. */
import type { FunctionArgs, FunctionReturnType } from "convex/server";
import { checkNames } from "../component/names.js";
import {
  type ListedWork as ComponentListedWork,
  type ListFilter,
  type PaginationOpts,
  type WorkCounts as ComponentWorkCounts,
  type WorkPage as ComponentWorkPage,
} from "../component/observe/workList.js";
import { refuse } from "../component/refusal.js";
import { resolveRunAt } from "../component/validateTime.js";
import {
  checkFilter,
  checkRetryOptions,
  type Done as ComponentDone,
  FILTER_FIELDS,
  type Filter,
  type Filtering,
  type RetryOptions,
} from "../component/work/filter.js";
import { namesOf } from "./optionNames.js";
import type { WorkId, WorkpoolComponent } from "./types.js";

/** One work of a list: see {@link Workpool.list}. */
export type ListedWork = Omit<ComponentListedWork, "workId"> & {
  workId: WorkId;
};
export type WorkPage = Omit<ComponentWorkPage, "page"> & { page: ListedWork[] };
export type WorkCounts = ComponentWorkCounts;
export type ListOptions = ListFilter & { paginationOpts: PaginationOpts };

/** What a call has done to works: see {@link Workpool.retry}. */
export type Done = ComponentDone;

type FilterOf<Method extends Filtering> = Pick<
  Filter,
  (typeof FILTER_FIELDS)[Method][number]
>;
export type RetryFilter = FilterOf<"retry">;
export type CallbackFilter = FilterOf<"retryCallbacks">;
export type ForgetFilter = FilterOf<"forget">;
export type CancelFilter = FilterOf<"cancelMany">;

/** How works are tried again: see {@link Workpool.retry}. */
export type RetryRoundOptions = RetryOptions;

export type RunningOperation = FunctionReturnType<
  WorkpoolComponent["works"]["operations"]
>[number];

/**
 * What a cancel has done: see {@link Workpool.cancel}. It is void, too, so that code compiles
 * that was written for `@convex-dev/workpool`, where a cancel says nothing.
 */
export type CancelResult = ("canceled" | "signaled" | "ended" | "unknown") &
  void;

export type UpdateAnswer = "updated" | "running" | "ended" | "unknown";

/** What ending a work from outside has done: see {@link Workpool.complete}. */
export type ConcludeAnswer = "completed" | "ended" | "unknown";

/** When a work that waits is due: see {@link Workpool.update}. */
export type WorkChange =
  { runAt: number; runAfter?: never } | { runAfter: number; runAt?: never };

export function checkCancelOptions(options: object | undefined): void {
  if (options == null) return;
  checkNames("cancel", namesOf("cancel", options), ["running"]);
  const { running } = options as { running?: unknown };
  if (running !== undefined && running !== "abandon") {
    refuse("running", '"abandon"', running);
  }
}

/** The options alone: what is undefined is as not given. */
export function checkRoundOptions(
  options: object | undefined,
): Partial<FunctionArgs<WorkpoolComponent["works"]["retryMany"]>> {
  if (options == null) return {};
  checkNames("retry", namesOf("retry", options), [
    "delayMs",
    "spreadMs",
    "resetAttempts",
  ]);
  checkRetryOptions(options);
  return options;
}

/** A call by filter: there is one, and nothing that belongs elsewhere. */
export function checkByFilter(
  method: Exclude<Filtering, "cancelMany">,
  which: object,
  options?: object,
): void {
  if (typeof which !== "object" || which === null) {
    refuse(
      `What ${method} concerns`,
      "the id of a work or an object with filter",
      which,
    );
  }
  const known = method === "retry" ? ROUND_OPTIONS : ["filter"];
  checkNames(method, Object.keys(which), known);
  if (options !== undefined) {
    throw new Error(
      `${method} by filter takes its options beside the filter: { filter, ${ROUND_OPTIONS.slice(1).join(", ")} }.`,
    );
  }
  checkFilter(method, (which as { filter?: unknown }).filter);
}

const ROUND_OPTIONS = ["filter", "delayMs", "spreadMs", "resetAttempts"];

/** @returns when the work is due. */
export function checkChange(change: WorkChange, now: number): number {
  if (typeof change !== "object" || change === null) {
    refuse("The change of update", "an object with runAt or runAfter", change);
  }
  checkNames("update", Object.keys(change), ["runAt", "runAfter"]);
  if (change.runAt === undefined && change.runAfter === undefined) {
    throw new Error("Give runAt or runAfter: there is nothing to update.");
  }
  return resolveRunAt(change, now);
}

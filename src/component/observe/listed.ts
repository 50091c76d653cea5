/** What a list tells of a work, from its row or that of its outcome. Pure. */
import type { Doc } from "../_generated/dataModel.js";
import { cleanError } from "./cleanError.js";
import type { ListedWork, WorkState } from "./workList.js";

/** That a page reads at most, but for what a stream reads ahead. */
export const MAX_DOCUMENTS = 118;

export function listedWork(
  work: Doc<"work">,
  state: WorkState,
  dueAt?: number,
): ListedWork {
  return {
    workId: work._id,
    fnName: work.fnName,
    fnType: work.fnType,
    state,
    attempts: work.attempts ?? 0,
    ...(work.round === undefined ? {} : { round: work.round }),
    ...(work.tags === undefined ? {} : { tags: work.tags }),
    ...(work.canceled ? { canceled: true as const } : {}),
    enqueuedAt: work._creationTime,
    ...(dueAt === undefined ? {} : { dueAt }),
    ...errorOf(work.lastError),
  };
}

export function listedOutcome(row: Doc<"complete">): ListedWork {
  const { callback, result } = row;
  return {
    workId: row.workId,
    fnName: row.fnName,
    fnType: row.fnType,
    state: result.kind,
    attempts: row.attempts,
    ...(row.round === undefined ? {} : { round: row.round }),
    ...(row.tags === undefined ? {} : { tags: row.tags }),
    enqueuedAt: row.enqueuedAt,
    finishedAt: row.finishedAt,
    ...errorOf(result.kind === "failed" ? result.error : row.lastError),
    ...(row.reason === undefined ? {} : { reason: row.reason }),
    ...(callback === undefined
      ? {}
      : {
          callback: {
            state: callback.state,
            attempts: callback.attempts,
            ...errorOf(callback.lastError),
          },
        }),
  };
}

function errorOf(text: string | undefined): { error?: string } {
  return text === undefined ? {} : { error: cleanError(text) };
}

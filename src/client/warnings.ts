/**
 * Options that `@convex-dev/workpool` takes and ignores. They are taken here
 * too, so that code written for it runs, with a warning: whoever wrote them
 * expects something of them.
 */
import type { FunctionType } from "convex/server";
import type { AnyEnqueueOptions } from "./optionNames.js";

type Warning = {
  /** Two warnings of one kind are about the same mistake. */
  kind: string;
  text: string;
};

/** What has no effect, among the options of an enqueue of a function of this type. */
export function ignoredOptions(
  fnType: FunctionType,
  options: AnyEnqueueOptions,
): Warning[] {
  const warnings: Warning[] = [];
  const retry = (["retry", "retryBehavior"] as const).find(
    (name) => options[name],
  );
  if (fnType !== "action" && retry !== undefined) {
    warnings.push({
      kind: `${retry} of a ${fnType}`,
      text: `${retry} has no effect on a ${fnType}: Convex itself repeats it after conflicts and failures of the platform, and it would fail otherwise as it failed before. Leave ${retry} out.`,
    });
  }
  // Null says that no callback is wanted; undefined may be a callback that was forgotten.
  if (options.onComplete === undefined) {
    if (options.context !== undefined) {
      warnings.push({
        kind: "context alone",
        text: "context has no effect without onComplete, which it is passed on to. Add onComplete, or leave context out.",
      });
    }
    if (options.onCompleteExcludeKinds?.length) {
      warnings.push({
        kind: "onCompleteExcludeKinds alone",
        text: "onCompleteExcludeKinds has no effect without onComplete. Add onComplete, or leave onCompleteExcludeKinds out.",
      });
    }
  }
  return warnings;
}

/** What has no effect on `enqueue` and `enqueueBatch`, which have no pool to ask. */
export function ignoredPoolOptions(options: AnyEnqueueOptions): Warning[] {
  return (["defaultRetryBehavior", "retryActionsByDefault"] as const)
    .filter((name) => options[name])
    .map((name) => ({
      kind: `${name} without a pool`,
      text: `${name} has no effect here: it is an option of new Workpool(). Pass retryBehavior to have actions retried.`,
    }));
}

/** Kinds that were warned of. Convex evaluates modules anew for a query or mutation, so there it is once for each. */
const warned = new Set<string>();

/** Warns once of each kind of mistake, because works are enqueued by the thousand. */
export function warnOnce(method: string, warnings: readonly Warning[]): void {
  for (const { kind, text } of warnings) {
    if (warned.has(kind)) continue;
    warned.add(kind);
    console.warn(`[workpool] ${method}: ${text}`);
  }
}

import { describe, expect, test } from "vitest";
import { isNonRetryableError } from "../errors.js";
import { formatError } from "./errorText.js";
import { rethrowWrongType } from "./wrongType.js";

function thrownFor(error: unknown): unknown {
  try {
    rethrowWrongType(error);
  } catch (thrown) {
    return thrown;
  }
}

describe("a function that is called as what it is not", () => {
  test.each([
    [
      "Trying to execute jobs.js:save as Action, but it is defined as Mutation.",
      "jobs:save is a mutation and was enqueued as an action: enqueue it with enqueueMutation.",
    ],
    [
      "Trying to execute a/b.js:list as Mutation, but it is defined as Query.",
      "a/b:list is a query and was enqueued as a mutation: enqueue it with enqueueQuery.",
    ],
    [
      "Trying to execute jobs.js:send in component 'mail' as Query, but it is defined as Action.",
      "jobs:send in component 'mail' is an action and was enqueued as a query: enqueue it with enqueueAction.",
    ],
  ])("%s", (theirs, ours) => {
    const thrown = thrownFor(new Error(theirs));
    expect(formatError(thrown)).toBe(ours);
    expect(isNonRetryableError(thrown)).toBe(true);
  });
});

test.each([
  new Error("as ever"),
  // The work's own function made such a call.
  new Error(
    "Uncaught Error: Trying to execute jobs.js:save as Action, but it is defined as Mutation.",
  ),
  new Error(
    "Trying to execute jobs.js:hook as Action, but it is defined as HttpAction.",
  ),
  "just text",
  undefined,
])("%s is thrown as it is", (error) => {
  expect(thrownFor(error)).toBe(error);
});

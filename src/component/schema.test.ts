import type { GenericValidator } from "convex/values";
import { expect, test } from "vitest";
import architecture from "../../docs/architecture.md?raw";
import schema from "./schema.js";

/** Tables that decide what runs when. */
const SCHEDULING = [
  "runStatus",
  "loopState",
  "pendingStart",
  "running",
  "executor",
  "executorStats",
] as const;

/** More of them would be more for a maintainer to keep in mind. */
const MOST_FIELDS = 50;

type Fields = Record<string, GenericValidator>;

/** The fields of a table, and those of each object in a list. */
function fieldsOf(prefix: string, fields: Fields): string[] {
  return Object.entries(fields).flatMap(([name, validator]) => {
    const element =
      validator.kind === "array"
        ? (validator as unknown as { element: GenericValidator }).element
        : null;
    return element?.kind === "object"
      ? fieldsOf(
          `${prefix}${name}[].`,
          (element as unknown as { fields: Fields }).fields,
        )
      : [`${prefix}${name}`];
  });
}

test("docs/architecture.md explains each field of the scheduler's rows, and no other", () => {
  const fields = SCHEDULING.flatMap((table) =>
    fieldsOf(`${table}.`, schema.tables[table].validator.fields as Fields),
  );
  const explained = [
    ...architecture.matchAll(/^\| `(\w+\.[\w.[\]]+)` +\|/gm),
  ].map(([, field]) => field);
  expect(explained.sort()).toEqual(fields.sort());
  expect(fields.length).toBeLessThanOrEqual(MOST_FIELDS);
});

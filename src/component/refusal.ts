/** The words in which a value is refused. */

const MAX_SHOWN_LENGTH = 200;

export function refuse(option: string, wanted: string, value: unknown): never {
  throw new Error(`${option} must be ${wanted}, not ${show(value)}.`);
}

/**
 * Values as their author would write them, as far as they fit into a sentence.
 * JSON has no NaN, no Infinity and no bigints, and cannot write what contains itself.
 */
export function show(value: unknown): string {
  if (typeof value === "number" || typeof value === "bigint") {
    return String(value);
  }
  let shown: string;
  try {
    shown = JSON.stringify(value) ?? String(value);
  } catch {
    shown = String(value);
  }
  return shown.length > MAX_SHOWN_LENGTH
    ? `${shown.slice(0, MAX_SHOWN_LENGTH)}… (${shown.length} characters)`
    : shown;
}

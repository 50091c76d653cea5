/** Texts that callers give: names, keys, tags, words. */
import { refuse } from "./refusal.js";

/** Convex stores valid Unicode only, and refuses the rest without saying where it was. */
const UNPAIRED_SURROGATE = /\p{Surrogate}/u;

/** @param most - Characters, as `length` counts. */
export function checkText(option: string, value: unknown, most: number): void {
  if (typeof value !== "string" || value.length === 0 || value.length > most) {
    refuse(option, `a string of 1 to ${most} characters`, value);
  }
  if (UNPAIRED_SURROGATE.test(value)) {
    refuse(option, "valid Unicode, without half of a surrogate pair", value);
  }
}

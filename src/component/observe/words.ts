/** Small pieces of the sentences that `health` is told in. Pure. */

/** A count that stops somewhere: `isAtLeast` says that there may be more. */
export type Count = { count: number; isAtLeast: boolean };

/** Like "1 work is", "at least 256 works are". */
export function counted(
  { count, isAtLeast }: Count,
  one: string,
  many: string,
): string {
  const noun = count === 1 && !isAtLeast ? one : many;
  return `${isAtLeast ? "at least " : ""}${count} ${noun}`;
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The first line, no longer than `most` characters. */
export function shortened(text: string, most: number): string {
  const [line = ""] = text.trim().split("\n");
  return line.length > most || line !== text.trim()
    ? `${line.slice(0, most)}…`
    : line;
}

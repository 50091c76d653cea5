import { exactly, when } from "./times.js";

/** The time of day, with the day where it is another one; the rest on demand. */
export function Time({ at }: { at: number }) {
  return (
    <time dateTime={new Date(at).toISOString()} title={exactly(at)}>
      {when(at, Date.now())}
    </time>
  );
}

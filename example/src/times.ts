/** Times as a person needs them: with the day where it is another one. */

const TIME = { hour: "2-digit", minute: "2-digit", second: "2-digit" } as const;
const DAY = { day: "numeric", month: "short" } as const;

export function clockTime(ms: number): string {
  return new Date(ms).toLocaleTimeString("en-GB", TIME);
}

/** "20:10:00"; of another day "23 Nov, 20:10:00"; of another year "23 Nov 2025, 20:10:00". */
export function when(ms: number, now: number): string {
  const then = new Date(ms);
  const today = new Date(now);
  if (then.toDateString() === today.toDateString()) return clockTime(ms);
  const isThisYear = then.getFullYear() === today.getFullYear();
  const day = then.toLocaleDateString("en-GB", {
    ...DAY,
    ...(!isThisYear && { year: "numeric" }),
  });
  return `${day}, ${clockTime(ms)}`;
}

/** Day, time and zone: for those who compare with a log. */
export function exactly(ms: number): string {
  return new Date(ms).toLocaleString("en-GB", {
    ...DAY,
    ...TIME,
    year: "numeric",
    timeZoneName: "short",
  });
}

/** "85 ms", "1.3 s", "2 min 5 s". */
export function duration(ms: number): string {
  const known = Math.max(ms, 0);
  if (known < 1_000) return `${Math.round(known)} ms`;
  if (known < 59_950) return `${(known / 1_000).toFixed(1)} s`;
  const seconds = Math.round(known / 1_000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

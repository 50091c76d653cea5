/**
 * The text of an error for people: without the "Uncaught" that Convex puts before it,
 * and without the frames of its stack. Pure. What an app may show to whom is its own decision.
 */
export function cleanError(text: string): string {
  const lines = text.replace(/^(?:Uncaught )+/, "").split("\n");
  const frames = lines.findIndex((line) => /^\s+at (?:async )?\S/.test(line));
  const message = frames < 0 ? lines : lines.slice(0, Math.max(1, frames));
  return message.join("\n").trim();
}

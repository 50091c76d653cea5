import type { LogLine } from "../runtime/types.js";

/** As clients print them: "[LOG] 'hello'". */
export function clientLogLines(lines: LogLine[]): string[] {
  return lines.map(({ level, message }) => `[${level}] ${message}`);
}

/** Tables and numbers as people read them, on a terminal and in Markdown. */

export interface Table {
  titles: string[];
  rows: string[][];
  /** Said below it. */
  notes: string[];
}

/** How many columns at the left are names; the others are numbers. */
const NAMES = 2;

export function asText({ titles, rows, notes }: Table): string {
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]!.length)),
  );
  const line = (cells: string[]) =>
    cells
      .map((cell, column) =>
        column < NAMES
          ? cell.padEnd(widths[column]!)
          : cell.padStart(widths[column]!),
      )
      .join("  ")
      .trimEnd();
  return [
    line(titles),
    ...rows.map(line),
    ...(notes.length === 0 ? [] : ["", ...notes.map((note) => `  ${note}`)]),
  ].join("\n");
}

export function asMarkdown({ titles, rows, notes }: Table): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return [
    line(titles),
    line(titles.map((_, column) => (column < NAMES ? "---" : "---:"))),
    ...rows.map(line),
    ...(notes.length === 0 ? [] : ["", ...notes.map((note) => `- ${note}`)]),
  ].join("\n");
}

/** Three significant digits. */
export function figure(value: number | null): string {
  if (value === null) return "–";
  if (value === 0) return "0";
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}

export function milliseconds(value: number | null | undefined): string {
  return value == null
    ? "–"
    : `${Math.round(value).toLocaleString("en-US")} ms`;
}

export function percent(value: number | null): string {
  return value === null ? "–" : `${(value * 100).toFixed(1)} %`;
}

/** Aligned columns for the terminal. */

/** Lines of `rows` below `headings`, numbers (the columns in `right`) flush right; empty columns are left out. */
export function alignedTable(headings: string[], rows: string[][], right: string[] = []): string {
  const used = headings.map((heading, at) => heading !== "" || rows.some((row) => row[at] !== ""));
  const widths = headings.map((heading, at) =>
    Math.max(heading.length, ...rows.map((row) => (row[at] ?? "").length))
  );
  const line = (cells: string[]) =>
    cells.map((cell, at) =>
      right.includes(headings[at]!) ? cell.padStart(widths[at]!) : cell.padEnd(widths[at]!)
    )
      .filter((_, at) => used[at]).join("  ").trimEnd();
  return [line(headings), ...rows.map(line)].join("\n");
}

/** CSV files with a header line, read with errors that name line and column. */

/** A CSV file cannot be used; the message says where and why. */
export class ScheduleError extends Error {
  override name = "ScheduleError";
}

/** One row: its values by column, and where it stands. */
export interface CsvRow {
  /** Line in the file, counted from 1. */
  line: number;
  /** The value of a column that was asked for, without blanks around it. */
  get(column: string): string;
}

/**
 * The rows of a CSV text (RFC 4180: quotes around a value, `""` for a quote in it; no line breaks inside values).
 * The header must hold all `columns`; further ones are ignored, empty lines too.
 *
 * @param file What the file is called in messages.
 * @throws {ScheduleError}
 */
export function readCsvTable(text: string, file: string, columns: readonly string[]): CsvRow[] {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const fail = (line: number, what: string): never => {
    throw new ScheduleError(`Cannot read "${file}": line ${line} ${what}`);
  };
  const split = (line: string, number: number): string[] => {
    if (!line.includes('"')) return line.split(",");
    const values: string[] = [];
    const shape = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/gy;
    while (shape.lastIndex < line.length || line.endsWith(",", shape.lastIndex)) {
      const match = shape.exec(line) ?? fail(number, "has a quote that is not closed");
      values.push(match[1] === undefined ? match[2]! : match[1].replaceAll('""', '"'));
      if (match[3] === "") break;
      if (shape.lastIndex === line.length) {
        values.push("");
        break;
      }
    }
    return values;
  };
  const header = split(lines[0] ?? "", 1).map((name) => name.trim());
  const missing = columns.filter((column) => !header.includes(column));
  if (missing.length > 0) {
    const plural = missing.length > 1 ? "columns" : "column";
    fail(1, `lacks the ${plural} ${missing.join(", ")}; expected the header ${columns.join(",")}`);
  }
  const places = new Map(columns.map((column) => [column, header.indexOf(column)]));
  const rows: CsvRow[] = [];
  for (const [index, line] of lines.entries()) {
    if (index === 0 || line.trim() === "") continue;
    const values = split(line, index + 1);
    if (values.length !== header.length) {
      const counted = values.length === 1 ? "1 column" : `${values.length} columns`;
      fail(index + 1, `has ${counted}, expected ${header.length}`);
    }
    rows.push({ line: index + 1, get: (column) => values[places.get(column)!]!.trim() });
  }
  return rows;
}

/**
 * Rows of a query as text: an aligned table, CSV, a JSON array or one JSON object a line. Values come as Postgres
 * prints them; times with a zone become ISO 8601 in UTC.
 *
 * @module
 */

export const SQL_FORMATS = ["table", "csv", "json", "ndjson"] as const;
export type SqlFormat = typeof SQL_FORMATS[number];

/** A column of a result. */
export interface SqlColumn {
  name: string;
  /** Postgres's number of the type (`pg_type.oid`). */
  type: number;
}

/** A row's values as text; `null` is SQL's. */
export type SqlRow = (string | null)[];

// Source: PostgreSQL, src/include/catalog/pg_type.dat
const BOOLEAN = 16;
const JSON_TYPES = new Set([114, 3802]);
const TIMESTAMP = 1114;
const TIMESTAMP_WITH_ZONE = 1184;
const NUMBERS = new Set([20, 21, 23, 26, 700, 701, 1700]);

/** How SQL's null looks in a table: no text that a query is likely to return. */
const NULL_MARK = "∅";

/** Turns batches of rows into text; one per result. */
export class SqlOutput {
  readonly #format: SqlFormat;
  readonly #columns: SqlColumn[];
  #widths: number[] | undefined;
  #rows = 0;

  constructor(format: SqlFormat, columns: SqlColumn[]) {
    this.#format = format;
    this.#columns = columns;
  }

  /** Lines for a batch of rows, each with its end. In a table the first batch decides the widths. */
  rows(batch: SqlRow[]): string {
    const rows = batch.map((row) => row.map((value, at) => inUtc(value, this.#columns[at]!.type)));
    const first = this.#rows === 0;
    this.#rows += rows.length;
    switch (this.#format) {
      case "table":
        return this.#table(rows);
      case "csv": {
        const heading = first ? `${this.#columns.map(({ name }) => csv(name)).join(",")}\n` : "";
        return heading + rows.map((row) => `${row.map(csv).join(",")}\n`).join("");
      }
      case "json":
        return rows.map((row, at) => `${first && at === 0 ? "[" : ","}\n${this.#object(row)}`).join("");
      case "ndjson":
        return rows.map((row) => `${this.#object(row)}\n`).join("");
    }
  }

  /** What comes after the last row; also a result without any row has its headings. */
  end(): string {
    if (this.#format === "json") return this.#rows === 0 ? "[]\n" : "\n]\n";
    return this.#rows === 0 ? this.rows([]) : "";
  }

  #table(rows: SqlRow[]): string {
    const cells = rows.map((row) => row.map((value) => value === null ? NULL_MARK : printable(value)));
    const lines: string[] = [];
    const names = this.#columns.map(({ name }) => printable(name));
    if (this.#widths === undefined) {
      this.#widths = names.map((name, at) =>
        cells.reduce((width, row) => Math.max(width, lengthOf(row[at]!)), lengthOf(name))
      );
      lines.push(this.#line(names), this.#widths.map((width) => "─".repeat(width)).join("  "));
    }
    for (const row of cells) lines.push(this.#line(row));
    return lines.map((line) => `${line}\n`).join("");
  }

  #line(cells: string[]): string {
    return cells.map((cell, at) => {
      const padding = " ".repeat(Math.max(0, this.#widths![at]! - lengthOf(cell)));
      return NUMBERS.has(this.#columns[at]!.type) ? padding + cell : cell + padding;
    }).join("  ").trimEnd();
  }

  #object(row: SqlRow): string {
    const fields = row.map((value, at) => {
      const { name, type } = this.#columns[at]!;
      return `${JSON.stringify(name)}:${jsonValue(value, type)}`;
    });
    return `{${fields.join(",")}}`;
  }
}

function inUtc(value: string | null, type: number): string | null {
  if (value === null) return null;
  // The session's time zone is UTC; years beyond 9999, before Christ and infinity stay as they are.
  if (type === TIMESTAMP_WITH_ZONE) return value.replace(/^(\d{4}-\d\d-\d\d) ([\d:.]+)\+00$/, "$1T$2Z");
  if (type === TIMESTAMP) return value.replace(/^(\d{4}-\d\d-\d\d) ([\d:.]+)$/, "$1T$2");
  return value;
}

function jsonValue(value: string | null, type: number): string {
  if (value === null) return "null";
  if (type === BOOLEAN) return value === "t" ? "true" : "false";
  if (JSON_TYPES.has(type)) return value.replaceAll("\n", " ");
  // As it is, so that no digit is lost; NaN and Infinity are no JSON numbers.
  if (NUMBERS.has(type) && /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(value)) return value;
  return JSON.stringify(value);
}

/** A field as Postgres's own CSV has it: null is nothing, an empty text is `""`. */
function csv(value: string | null): string {
  if (value === null) return "";
  return value === "" || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** Text that keeps to its cell: control characters would move the cursor, or more. */
function printable(text: string): string {
  return text.replace(
    /\p{Cc}/gu,
    (character) =>
      character === "\n"
        ? "\\n"
        : character === "\t"
        ? "\\t"
        : `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

function lengthOf(text: string): number {
  return [...text].length;
}

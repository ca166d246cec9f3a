/**
 * Rows in one form, whichever of lake, gold or warehouse they come from: times in milliseconds, money in hundredths,
 * JSON with its fields in order.
 *
 * @module
 */

import type { GoldTable } from "../warehouse/gold_tables.ts";
import type { Cell } from "./text_hash.ts";

/** Cells in the order of the table's columns. */
export type Row = readonly Cell[];

/** JSON text whose fields are in order, so that equal values are equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1).map(([name, entry]) => [name, sorted(entry)]),
  );
}

/** A cell as UTF-8 can hold it: half a surrogate pair, which JSON can escape, is U+FFFD in every table. */
export function storedCell(cell: Cell | undefined): Cell {
  return typeof cell === "string" ? cell.toWellFormed() : cell ?? null;
}

/** Amounts in hundredths: cents, or hundredths of a percent. */
export function hundredths(amount: number): number {
  return Math.round(amount * 100);
}

/** The key of a row, as text. */
export function keyOf(table: GoldTable, row: Row): string {
  if (table.key.length === 1) return String(row[columnIndex(table, table.key[0]!)]);
  return table.key.map((name) => row[columnIndex(table, name)]).join("\n");
}

/** Where a column stands in the table's rows. */
export function columnIndex(table: GoldTable, name: string): number {
  return table.columns.findIndex((column) => column.name === name);
}

/** A row's key for a person: `booking_id 0b6f, passenger_number 1`. */
export function shownKey(table: GoldTable, row: Row): string {
  return table.key.map((name) => `${name} ${row[columnIndex(table, name)]}`).join(", ");
}

/** A cell for a person. */
function shownCell(table: GoldTable, index: number, cell: Cell): string {
  const { type } = table.columns[index]!;
  if (cell === null) return "nothing";
  if (type.startsWith("numeric") && typeof cell === "number") return (cell / 100).toFixed(2);
  if (type === "timestamp with time zone" && typeof cell === "number" && Math.abs(cell) <= 8.64e15) {
    return new Date(cell).toISOString();
  }
  const text = String(cell);
  return text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)}…` : text;
}

const SHOWN_LENGTH = 60;

/** What differs between two rows, for a person. */
export function shownChanges(table: GoldTable, found: Row, expected: Row): string {
  const changes: string[] = [];
  for (const [index, { name }] of table.columns.entries()) {
    const [is, should] = [found[index]!, expected[index]!];
    if (Object.is(is, should)) continue;
    const texts = typeof is === "string" && typeof should === "string"
      ? aroundDifference(is, should)
      : [shownCell(table, index, is), shownCell(table, index, should)];
    changes.push(`${name} is ${texts[0]}, the lake says ${texts[1]}`);
  }
  return changes.join("; ");
}

const SHOWN_BEFORE = 30;

/** Two long texts, cut so that the place where they part is seen. */
function aroundDifference(a: string, b: string): [string, string] {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  const from = Math.max(0, at - SHOWN_BEFORE);
  const cut = (text: string) => {
    const part = text.slice(from, from + SHOWN_LENGTH);
    return `${from > 0 ? "…" : ""}${part}${from + SHOWN_LENGTH < text.length ? "…" : ""}`;
  };
  return [cut(a), cut(b)];
}

/**
 * How the raw lines of one topic become typed events: what Polars reads, what it must find, and what the careful
 * line-by-line path hands it instead.
 *
 * @module
 */

import pl from "nodejs-polars";
import type { DataType, Expr, LazyDataFrame } from "nodejs-polars";
import type { AirlineEvent } from "../events/parse_event.ts";
import { formatInstant, parseInstant } from "../events/instant.ts";

/** Polars types by column. */
export type Schema = Record<string, DataType>;

/** One topic as the ETL reads it. */
export interface RawTopic {
  name: string;
  /** The fields that are read, with the types they have in a line. */
  fields: Schema;
  /** Fields that hold lists of objects: far faster when read as text first and decoded then. */
  nested?: Schema;
  /** Types what {@link RawTopic.fields} read as text: times, mostly. Columns are added and replaced, never dropped. */
  typed: (lines: LazyDataFrame) => LazyDataFrame;
  /** Whether a typed event can be used; what it refuses is looked at line by line, to name the reason. */
  usable: Expr;
  /** The fields of a checked event as the careful path writes them: times in one form, nothing else but `fields`. */
  normalized: (event: AirlineEvent) => Record<string, unknown>;
}

/** Where an event stands: columns of every table, so that a row leads back to its line. */
export const PLACE_FIELDS: Schema = { _log: pl.String, _partition: pl.Int32, _offset: pl.Int64 };

/** Times in Parquet: milliseconds, UTC. */
export const INSTANT: DataType = pl.Datetime("ms", "UTC");

/**
 * An instant of the wire as a typed column; further digits than milliseconds are cut off. A text that is none
 * fails the query.
 */
export function instantOf(field: string): Expr {
  return pl.col(field).str.replace("+00:00", "Z", true)
    .str.strptime(pl.Datetime("ms"), "%Y-%m-%dT%H:%M:%S%.fZ").cast(INSTANT).alias(field);
}

/** A text that must be there, as `checkText` of the events takes it. */
export function textThere(field: string): Expr {
  return pl.col(field).isNotNull().and(pl.col(field).str.lengths().gtEq(1))
    .and(pl.col(field).str.lengths().ltEq(256));
}

/** A number that must be there, within bounds. */
export function numberWithin(field: string, min: number, max: number): Expr {
  return pl.col(field).isNotNull().and(pl.col(field).gtEq(min)).and(pl.col(field).ltEq(max));
}

/** A time that must be there, from 1990 to 2199. */
export function instantThere(field: string): Expr {
  const ms = pl.col(field).cast(pl.Int64);
  return pl.col(field).isNotNull().and(ms.gtEq(Date.UTC(1990, 0, 1))).and(ms.lt(Date.UTC(2200, 0, 1)));
}

/** All of several conditions; one that is unknown counts as not met. */
export function allOf(...conditions: Expr[]): Expr {
  return pl.allHorizontal(conditions).fillNull(pl.lit(false));
}

/** A checked time in the one form that {@link instantOf} reads, or null. */
export function normalizedInstant(text: unknown): string | null {
  return typeof text === "string" ? formatInstant(parseInstant(text)) : null;
}

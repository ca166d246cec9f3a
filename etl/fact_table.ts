/**
 * A fact table: rows that are only ever added. An event that came twice counts once: the first by log, partition
 * and offset, so the table does not depend on how runs cut the lake.
 *
 * @module
 */

import pl from "nodejs-polars";
import type { Expr, LazyDataFrame } from "nodejs-polars";
import type { RawTopic, Schema } from "./raw_topic.ts";

/** How one fact table is made of one topic's events. */
export interface FactTable {
  name: string;
  topic: RawTopic;
  /** The events it takes. */
  eventType: string;
  /** What makes an event the same as another: a column of the rows. */
  eventKey: string;
  /** The rows' primary key. */
  key: readonly string[];
  /** Columns and types, in order. */
  schema: Schema;
  /** Rows of typed events of {@link FactTable.eventType}; must hold exactly the columns of the schema. */
  rows: (events: LazyDataFrame) => LazyDataFrame;
  /** Picks one row of each event, where an event has several. */
  firstRow?: Expr;
}

/**
 * An event's id, or one derived from its place where the writer sends none: the same at each run, and different
 * after a log was reset.
 */
export function eventIdOf(topic: string): Expr {
  const derived = pl.concatString({
    exprs: [
      pl.lit(topic),
      pl.col("_partition").cast(pl.String),
      pl.concatString({ exprs: [pl.col("_offset").cast(pl.String), pl.col("_log")], sep: "@" }),
    ],
    sep: "-",
  });
  return pl.when(pl.col("event_id").isNull().or(pl.col("event_id").eq(pl.lit("")))).then(derived)
    .otherwise(pl.col("event_id")).alias("event_id");
}

/** The columns of a schema, in order, each with its type. */
export function columnsOf(schema: Schema): Expr[] {
  return Object.entries(schema).map(([name, type]) => pl.col(name).cast(type).alias(name));
}

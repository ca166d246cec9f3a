/** A lake in a folder of its own: raw files as the lake writer names them, gold tables as rows to compare. */

import pl from "nodejs-polars";
import { bookingExample } from "../../events/bookings.ts";
import { flightLifecycleExample } from "../../events/flight_lifecycle.ts";
import { inventoryMetricsExample } from "../../events/inventory_metrics.ts";
import { promoDecisionExample } from "../../events/promo_decisions.ts";
import { buildGold } from "../../etl/build_gold.ts";
import type { GoldOptions, GoldSummary } from "../../etl/build_gold.ts";
import { lakeLine } from "../../lake/lake_line.ts";
import { rawFileName } from "../../lake/raw_files.ts";
import type { LakeFolders } from "../../process/settings.ts";

export const LOG_ID8 = "1f3a9c2e";
/** Append time of every line. */
export const APPENDED_MS = Date.parse("2025-11-24T10:15:31.000Z");

export type Fields = Record<string, unknown>;

export const booking = (id: string, fields: Fields = {}): Fields => ({
  ...bookingExample,
  booking_id: id,
  ...fields,
});
export const cancellation = (id: string, fields: Fields = {}): Fields => ({
  event_type: "BookingCancelled",
  event_time: "2025-11-24T10:15:30.000Z",
  booking_id: id,
  flight_id: bookingExample.flight_id,
  ...fields,
});
export const metrics = (fields: Fields = {}): Fields => ({ ...inventoryMetricsExample, ...fields });
export const promotion = (fields: Fields = {}): Fields => ({ ...promoDecisionExample, ...fields });
export const scheduled = (fields: Fields = {}): Fields => ({ ...flightLifecycleExample, ...fields });

export interface SealedOptions {
  partition?: number;
  /** Offset of the first line. */
  from?: number;
  logId8?: string;
}

/** A folder that is removed after the test. */
export class TestLake {
  readonly root: string;
  readonly folders: LakeFolders;

  constructor(root: string) {
    this.root = root;
    this.folders = { raw: `${root}/raw`, gold: `${root}/gold`, rejected: `${root}/rejected` };
    Deno.mkdirSync(this.folders.gold, { recursive: true });
  }

  /** Writes a file of the lake writer; each entry is an event, or a line's text as it is to stand there. */
  seal(topic: string, lines: (Fields | string)[], options: SealedOptions = {}): string {
    const { partition = 0, from = 0, logId8 = LOG_ID8 } = options;
    const text = lines.map((line, at) =>
      typeof line === "string"
        ? line
        : lakeLine(JSON.stringify(line), { partition, offset: from + at, timestampMs: APPENDED_MS })
    );
    return this.sealText(topic, text.map((line) => `${line}\n`).join(""), {
      partition,
      from,
      to: from + lines.length,
      logId8,
    });
  }

  /** Writes a file of the lake writer with this content. */
  sealText(
    topic: string,
    content: string | Uint8Array,
    range: { partition: number; from: number; to: number; logId8?: string },
  ): string {
    const { logId8 = LOG_ID8 } = range;
    const name = rawFileName({ hour: "2025-11-24_10", logId8, empty: content.length === 0, ...range });
    const folder = `${this.folders.raw}/${topic}`;
    Deno.mkdirSync(folder, { recursive: true });
    const path = `${folder}/${name}`;
    if (typeof content === "string") Deno.writeTextFileSync(path, content);
    else Deno.writeFileSync(path, content);
    return path;
  }

  /** Appends to a file as another program does. */
  append(topic: string, name: string, text: string): string {
    const folder = `${this.folders.raw}/${topic}`;
    Deno.mkdirSync(folder, { recursive: true });
    const path = `${folder}/${name}`;
    Deno.writeTextFileSync(path, text, { append: true });
    return path;
  }

  /** Brings the gold tables up to the lake. */
  async build(options: GoldOptions = {}): Promise<GoldSummary & { warnings: string[] }> {
    const warnings: string[] = [];
    const summary = await buildGold(this.folders, { warn: (text) => warnings.push(text), ...options });
    return { ...summary, warnings };
  }

  /** The rows of a gold table as plain values, sorted; times as text. */
  rows(table: string): Fields[] {
    return (pl.readParquet(`${this.folders.gold}/${table}.parquet`).toRecords() as Fields[])
      .map((row) =>
        Object.fromEntries(
          Object.entries(row).map((
            [name, value],
          ) => [name, value instanceof Date ? value.toISOString() : value]),
        )
      )
      .sort((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
  }

  /** All gold tables. */
  gold(): Record<string, Fields[]> {
    return Object.fromEntries(GOLD.map((table) => [table, this.rows(table)]));
  }

  /** The rejected lines of a topic. */
  rejected(topic: string): Fields[] {
    try {
      return Deno.readTextFileSync(`${this.folders.rejected}/${topic}.ndjson`).split("\n").filter((line) =>
        line !== ""
      )
        .map((line) => JSON.parse(line));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }
}

/** The gold tables' names. */
export const GOLD = [
  "dim_flight",
  "fact_booking",
  "fact_booking_cancellation",
  "fact_inventory_metrics",
  "fact_promotions",
];

/** Runs `body` on an empty lake. */
export async function withLake(body: (lake: TestLake) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "etl-test-" });
  try {
    await body(new TestLake(root));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

/**
 * Tables that are made of the fact tables once a UTC day is over: booking curves, the error of forecasts, and what followed
 * promotions. Each is replaced as a whole, in gold and in the warehouse.
 *
 * @module
 */

import pl from "nodejs-polars";
import type { BookingCurvesPublished } from "../events/booking_curves.ts";
import { flightHistories, lastWholeDay } from "./flight_histories.ts";
import { goldPath, replaceTable } from "./gold_table.ts";
import type { GoldFolders, MergeOptions } from "./gold_table.ts";
import { promotionOutcomes } from "./promotion_outcomes.ts";
import type { Schema } from "./raw_topic.ts";
import { heldOutErrors, routeCurves } from "./route_curves.ts";

/** A table that is replaced as a whole. */
export interface DerivedTable {
  name: string;
  schema: Schema;
}

/** Times are text in the rows that these are made of. */
export const DERIVED_TABLES: readonly DerivedTable[] = [
  {
    name: "agg_booking_curve",
    schema: {
      version: pl.String,
      route: pl.String,
      weekday: pl.Int32,
      daypart: pl.String,
      fare_bucket: pl.String,
      days_before: pl.Float64,
      flights: pl.Int32,
      mean_load: pl.Float64,
      mean_pickup: pl.Float64,
      variance_pickup: pl.Float64,
      ratio: pl.Float64,
      variance_ratio: pl.Float64,
    },
  },
  {
    name: "agg_forecast_error",
    schema: {
      version: pl.String,
      method: pl.String,
      days_before: pl.Float64,
      flights: pl.Int32,
      mape: pl.Float64,
      bias: pl.Float64,
      coverage: pl.Float64,
    },
  },
  {
    name: "fact_promotion_outcome",
    schema: {
      event_id: pl.String,
      promo_time: pl.String,
      flight_id: pl.String,
      policy: pl.String,
      discount_percentage: pl.Float64,
      load_factor_before: pl.Float64,
      bookings_after: pl.Int32,
      seats_after: pl.Int32,
      revenue_after: pl.Float64,
      final_load_factor: pl.Float64,
      forecast_load_factor: pl.Float64,
      forecast_load_factor_low: pl.Float64,
      forecast_load_factor_high: pl.Float64,
      above_forecast: pl.Float64,
      evidence: pl.String,
    },
  },
];

type Row = Record<string, string | number | null>;

/**
 * Brings the derived tables up to the last UTC day that is over. Returns that day, or `undefined` where none is over yet;
 * where `madeFor` is that day already nothing is written.
 */
export async function buildDerived(
  folders: GoldFolders,
  madeFor: string | undefined,
  options: Pick<MergeOptions, "onWrite"> = {},
): Promise<string | undefined> {
  const day = await lastWholeDay(folders.gold);
  if (day === undefined || day === madeFor) return day;
  const flights = await flightHistories(folders.gold, day);
  const curves = routeCurves(flights, day);
  const tables: Record<string, Row[]> = {
    agg_booking_curve: curves.flatMap(curveRows),
    agg_forecast_error: heldOutErrors(flights).map(({ daysBefore, ...error }) => ({
      version: day,
      days_before: daysBefore,
      ...error,
    })),
    fact_promotion_outcome: await promotionOutcomes(folders.gold, flights),
  };
  for (const { name, schema } of DERIVED_TABLES) {
    await replaceTable(folders, name, frameOf(tables[name]!, schema).lazy(), options.onWrite);
  }
  return day;
}

function frameOf(rows: readonly Row[], schema: Schema): pl.DataFrame {
  // Column by column: rows of JavaScript values have no types of their own.
  const columns = Object.fromEntries(
    Object.keys(schema).map((name) => [name, rows.map((row) => row[name] ?? null)]),
  );
  return pl.DataFrame(columns, { schema });
}

function curveRows({ version, route, curves }: BookingCurvesPublished): Row[] {
  return curves.flatMap((curve) => {
    const common = {
      version,
      route,
      weekday: curve.weekday ?? 0,
      daypart: curve.daypart ?? "any",
      flights: curve.flights,
    };
    return [
      ...curve.points.map((point): Row => ({ ...common, fare_bucket: "*", ...point })),
      ...curve.buckets.flatMap(({ bucket, points }) =>
        points.map(({ days_before, mean, variance }): Row => ({
          ...common,
          fare_bucket: bucket,
          days_before,
          mean_load: null,
          mean_pickup: mean,
          variance_pickup: variance,
        }))
      ),
    ];
  });
}

/** The rows of a derived table as they stand in gold; none where it was not made yet. */
export async function derivedRows(goldFolder: string, table: string): Promise<Row[]> {
  try {
    await Deno.stat(goldPath(goldFolder, table));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  return (await pl.scanParquet(goldPath(goldFolder, table)).collect()).toRecords() as Row[];
}

/** The curves of a day, to be published. */
export async function curvesOf(goldFolder: string, day: string): Promise<BookingCurvesPublished[]> {
  return routeCurves(await flightHistories(goldFolder, day), day);
}

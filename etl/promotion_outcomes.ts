/**
 * What followed each promotion of a flight that has left, beside what had been forecast for it without the discount.
 * Observational: promoted flights are those that sold badly, so the difference is not the effect of the promotion.
 *
 * @module
 */

import pl from "nodejs-polars";
import { goldPath } from "./gold_table.ts";
import type { RouteFlight } from "./route_curves.ts";

/** What is said of the evidence in each row. */
const EVIDENCE = "observational";

interface PromotionRow {
  event_id: string;
  promo_ms: number;
  flight_id: string;
  policy: string | null;
  discount_percentage: number;
  current_load_factor: number;
  forecast_load_factor: number | null;
  forecast_load_factor_low: number | null;
  forecast_load_factor_high: number | null;
  bookings_after: number | null;
  seats_after: number | null;
  revenue_after: number | null;
}

const msOf = (column: string) => pl.col(column).cast(pl.Int64).cast(pl.Float64);

/** One row for each promotion of `flights`, which have left. */
export async function promotionOutcomes(
  goldFolder: string,
  flights: readonly RouteFlight[],
): Promise<Record<string, string | number | null>[]> {
  const left = new Map(flights.map((flight) => [flight.flightId, flight]));
  const promotions = pl.scanParquet(goldPath(goldFolder, "fact_promotions"))
    .withColumns(msOf("promo_time").alias("promo_ms"));
  const kept = pl.scanParquet(goldPath(goldFolder, "fact_booking"))
    .join(
      pl.scanParquet(goldPath(goldFolder, "fact_booking_cancellation")).select("booking_id"),
      { on: "booking_id", how: "anti" },
    )
    .select(
      pl.col("flight_id"),
      pl.col("booking_id"),
      msOf("booking_time").alias("booking_ms"),
      pl.col("passenger_price"),
    );
  const after = promotions.select("event_id", "flight_id", "promo_ms")
    .join(kept, { on: "flight_id", how: "inner" })
    .filter(pl.col("booking_ms").gt(pl.col("promo_ms")))
    .groupBy("event_id")
    .agg(
      pl.col("booking_id").nUnique().cast(pl.Float64).alias("bookings_after"),
      pl.len().cast(pl.Float64).alias("seats_after"),
      pl.col("passenger_price").sum().alias("revenue_after"),
    );
  const rows = (await promotions.join(after, { on: "event_id", how: "left" }).collect())
    .toRecords() as unknown as PromotionRow[];
  return rows.filter(({ flight_id }) => left.has(flight_id)).map((row) => {
    const { sales, totalSeats } = left.get(row.flight_id)!;
    const final = thousandths(sales.reduce((sum, { seats }) => sum + seats, 0) / totalSeats);
    return {
      event_id: row.event_id,
      promo_time: new Date(row.promo_ms).toISOString(),
      flight_id: row.flight_id,
      policy: row.policy,
      discount_percentage: row.discount_percentage,
      load_factor_before: row.current_load_factor,
      bookings_after: row.bookings_after ?? 0,
      seats_after: row.seats_after ?? 0,
      revenue_after: Math.round((row.revenue_after ?? 0) * 100) / 100,
      final_load_factor: final,
      forecast_load_factor: row.forecast_load_factor,
      forecast_load_factor_low: row.forecast_load_factor_low,
      forecast_load_factor_high: row.forecast_load_factor_high,
      above_forecast: row.forecast_load_factor === null
        ? null
        : thousandths(final - row.forecast_load_factor),
      evidence: EVIDENCE,
    };
  }).sort((a, b) => a.event_id < b.event_id ? -1 : 1);
}

function thousandths(value: number): number {
  return Math.round(value * 1000) / 1000;
}

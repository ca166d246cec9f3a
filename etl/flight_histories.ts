/** What became of flights that have left, from the gold tables: the sales of each by reading day. */

import pl from "nodejs-polars";
import type { LazyDataFrame } from "nodejs-polars";
import { READING_DAYS } from "../forecast/booking_curve.ts";
import { routeOf } from "../forecast/flight_kind.ts";
import type { Flight } from "./flight_fold.ts";
import { goldPath } from "./gold_table.ts";
import type { RouteFlight } from "./route_curves.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** Flights that left longer ago tell nothing of today's. */
const HISTORY_DAYS_MAX = 366;

const msOf = (column: string) => pl.col(column).cast(pl.Int64).cast(pl.Float64);

/** The last UTC day that is over by the newest booking, `2025-11-28`; `undefined` before there is one. */
export async function lastWholeDay(goldFolder: string): Promise<string | undefined> {
  const [row] = (await pl.scanParquet(goldPath(goldFolder, "fact_booking"))
    .select(msOf("booking_time").max().alias("newest")).collect({ streaming: true })).toRecords();
  const newest = row?.newest as number | null | undefined;
  if (newest === null || newest === undefined) return undefined;
  return new Date(Math.floor(newest / DAY_MS) * DAY_MS - DAY_MS).toISOString().slice(0, 10);
}

interface FlightRow {
  flight_id: string;
  origin_airport: string;
  destination_airport: string;
  departure: number;
  total_seats: number;
  _versions: string;
}

interface SaleRow {
  flight_id: string;
  bucket: string;
  /** Place of the reading day in {@link READING_DAYS}. */
  place: number;
  seats: number;
  first: number;
}

/** Flights that left by the end of the UTC day `day`, cancelled ones left out. */
export async function flightHistories(goldFolder: string, day: string): Promise<RouteFlight[]> {
  const untilMs = Date.parse(day) + DAY_MS;
  const departed = pl.scanParquet(goldPath(goldFolder, "dim_flight"))
    .filter(
      pl.col("cancelled").not().and(pl.col("total_seats").isNotNull())
        .and(pl.col("origin_airport").isNotNull()).and(pl.col("destination_airport").isNotNull())
        .and(msOf("scheduled_departure_time").ltEq(untilMs))
        .and(msOf("scheduled_departure_time").gt(untilMs - HISTORY_DAYS_MAX * DAY_MS)),
    )
    .withColumns(msOf("scheduled_departure_time").alias("departure"));
  const flights = (await departed.select(
    "flight_id",
    "origin_airport",
    "destination_airport",
    "departure",
    "total_seats",
    "_versions",
  ).collect()).toRecords() as unknown as FlightRow[];
  if (flights.length === 0) return [];
  const booked = pl.scanParquet(goldPath(goldFolder, "fact_booking"));
  const sold = await salesOf(
    booked.select(
      pl.col("flight_id"),
      pl.col("fare_bucket"),
      msOf("booking_time").alias("time"),
      pl.lit(1).alias("sign"),
    ),
    departed,
  );
  const passengers = booked.groupBy("booking_id").agg(
    pl.len().cast(pl.Int64).alias("sign"),
    pl.col("fare_bucket").first().alias("fare_bucket"),
  );
  const given = await salesOf(
    pl.scanParquet(goldPath(goldFolder, "fact_booking_cancellation"))
      .join(passengers, { on: "booking_id", how: "inner" })
      .select(
        pl.col("flight_id"),
        pl.col("fare_bucket"),
        msOf("cancellation_time").alias("time"),
        pl.col("sign").mul(-1).alias("sign"),
      ),
    departed,
  );
  const sales = Map.groupBy([...sold, ...given], ({ flight_id }) => flight_id);
  return flights.map((flight) => historyOf(flight, sales.get(flight.flight_id) ?? []));
}

/** Seats by flight, bucket and reading day: the first one that a sale had been made by. */
async function salesOf(sales: LazyDataFrame, departed: LazyDataFrame): Promise<SaleRow[]> {
  const daysBefore = pl.col("departure").sub(pl.col("time")).div(DAY_MS);
  // Of the falling reading days, those that lie before the sale are passed over.
  const place = READING_DAYS.slice(0, -1)
    .map((day) => daysBefore.lt(day).cast(pl.Int32)).reduce((sum, one) => sum.add(one));
  return (await sales.join(departed.select("flight_id", "departure"), { on: "flight_id", how: "inner" })
    .withColumns(place.alias("place"), pl.col("fare_bucket").fillNull(pl.lit("")).alias("bucket"))
    .groupBy(["flight_id", "bucket", "place"])
    .agg(pl.col("sign").sum().cast(pl.Float64).alias("seats"), pl.col("time").min().alias("first"))
    .sort(["flight_id", "bucket", "place"])
    .collect({ streaming: true })).toRecords() as unknown as SaleRow[];
}

function historyOf(flight: FlightRow, sales: SaleRow[]): RouteFlight {
  const { schedule } = JSON.parse(flight._versions) as Flight["versions"];
  // On sale at the latest from its first booking or the first word of it that is known.
  const knownFromMs = Math.min(
    schedule === undefined ? Infinity : Date.parse(schedule.time),
    ...sales.map(({ first }) => first),
  );
  return {
    flightId: flight.flight_id,
    route: routeOf(flight.origin_airport, flight.destination_airport),
    departureMs: flight.departure,
    totalSeats: flight.total_seats,
    knownFromDays: Number.isFinite(knownFromMs) ? (flight.departure - knownFromMs) / DAY_MS : 0,
    sales: sales.map(({ place, seats, bucket }) => ({ daysBefore: READING_DAYS[place]!, seats, bucket })),
  };
}

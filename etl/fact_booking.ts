/** `fact_booking`: one row per passenger of each booking, with the passenger's share of the price. */

import pl from "nodejs-polars";
import type { Expr, LazyDataFrame } from "nodejs-polars";
import { PASSENGERS_MAX, TOTAL_PRICE_MAX } from "../events/bookings.ts";
import type { BookingEvent } from "../events/bookings.ts";
import type { AirlineEvent } from "../events/parse_event.ts";
import { columnsOf } from "./fact_table.ts";
import type { FactTable } from "./fact_table.ts";
import {
  allOf,
  INSTANT,
  instantOf,
  instantThere,
  normalizedInstant,
  numberWithin,
  PLACE_FIELDS,
  textThere,
} from "./raw_topic.ts";
import type { RawTopic } from "./raw_topic.ts";

const PASSENGERS = pl.List(
  pl.Struct([
    new pl.Field("passenger_id", pl.String),
    new pl.Field("seat_id", pl.String),
    new pl.Field("cabin_code", pl.String),
  ]),
);

/** Topic `bookings` as the ETL reads it. */
export const bookingsTopic: RawTopic = {
  name: "bookings",
  fields: {
    event_type: pl.String,
    event_time: pl.String,
    booking_id: pl.String,
    flight_id: pl.String,
    channel: pl.String,
    fare_bucket: pl.String,
    currency: pl.String,
    total_price: pl.Float64,
  },
  nested: { passengers: PASSENGERS },
  typed: (lines) => lines.withColumns(instantOf("event_time")),
  usable: allOf(instantThere("event_time"), textThere("flight_id"), textThere("booking_id")).and(
    pl.col("event_type").eq(pl.lit("BookingCancelled")).or(
      pl.col("event_type").eq(pl.lit("BookingCreated")).and(allOf(
        textThere("fare_bucket"),
        numberWithin("total_price", 0, TOTAL_PRICE_MAX),
        pl.col("passengers").list.lengths().gtEq(1),
        pl.col("passengers").list.lengths().ltEq(PASSENGERS_MAX),
      )),
    ),
  ).fillNull(pl.lit(false)),
  normalized: (event: AirlineEvent) => {
    const booking = event as BookingEvent;
    const both = {
      event_type: booking.event_type,
      event_time: normalizedInstant(booking.event_time),
      booking_id: booking.booking_id,
      flight_id: booking.flight_id,
    };
    if (booking.event_type === "BookingCancelled") return both;
    return {
      ...both,
      channel: booking.channel ?? null,
      fare_bucket: booking.fare_bucket,
      currency: booking.currency ?? null,
      total_price: booking.total_price,
      passengers: booking.passengers.map(({ passenger_id, seat_id, cabin_code }) => ({
        passenger_id,
        seat_id: seat_id ?? null,
        cabin_code: cabin_code ?? null,
      })),
    };
  },
};

/** Whole cents of the booking's price: prices are rounded to them once, so that every sum agrees. */
const TOTAL_CENTS = pl.col("total_price").mul(100).round(0).cast(pl.Int64);

/** A price of whole cents; Polars divides by 100 as times 0.01, which misses some cents by the last bit. */
function priceOf(cents: Expr): Expr {
  return cents.div(100).round(2);
}

function rows(events: LazyDataFrame): LazyDataFrame {
  const index = pl.col("passenger_index");
  const count = pl.col("passenger_count");
  const cents = pl.col("total_cents");
  const extraCents = cents.modulo(count);
  // The division is exact: the rest is taken off before.
  const share = cents.sub(extraCents).div(count);
  return events
    .withColumns(
      TOTAL_CENTS.alias("total_cents"),
      pl.col("passengers").list.lengths().cast(pl.Int64).alias("passenger_count"),
    )
    .withColumns(pl.intRanges(pl.lit(0), count, 1).alias("passenger_index"))
    .explode("passengers", "passenger_index")
    .withColumns(
      pl.col("event_time").alias("booking_time"),
      index.add(1).alias("passenger_number"),
      pl.col("passengers").struct.field("passenger_id").alias("passenger_id"),
      pl.col("passengers").struct.field("seat_id").alias("seat_id"),
      pl.col("passengers").struct.field("cabin_code").alias("cabin_code"),
      pl.col("currency").fillNull(pl.lit("GBP")).alias("currency"),
      priceOf(cents).alias("total_price"),
      priceOf(pl.when(index.lt(extraCents)).then(share.add(1)).otherwise(share)).alias("passenger_price"),
    )
    .select(...columnsOf(factBooking.schema));
}

/**
 * Key (`booking_id`, `passenger_number`), numbered from 1 in the order of the event. `total_price` is the whole
 * booking's, on each of its rows; `passenger_price` splits it in cents, the first passengers take the cents that
 * are left over, so that a sum over rows is revenue. `currency` is `GBP` where the event names none.
 */
export const factBooking: FactTable = {
  name: "fact_booking",
  topic: bookingsTopic,
  eventType: "BookingCreated",
  eventKey: "booking_id",
  key: ["booking_id", "passenger_number"],
  schema: {
    booking_time: INSTANT,
    booking_id: pl.String,
    flight_id: pl.String,
    passenger_number: pl.Int32,
    passenger_id: pl.String,
    seat_id: pl.String,
    cabin_code: pl.String,
    fare_bucket: pl.String,
    channel: pl.String,
    currency: pl.String,
    total_price: pl.Float64,
    passenger_price: pl.Float64,
    ...PLACE_FIELDS,
  },
  rows,
  firstRow: pl.col("passenger_number").eq(1),
};

/** `fact_booking_cancellation`: one row per booking that was given back. */

import pl from "nodejs-polars";
import { bookingsTopic } from "./fact_booking.ts";
import { columnsOf } from "./fact_table.ts";
import type { FactTable } from "./fact_table.ts";
import { INSTANT, PLACE_FIELDS } from "./raw_topic.ts";

/** Key `booking_id`: the first cancellation of a booking counts. */
export const factBookingCancellation: FactTable = {
  name: "fact_booking_cancellation",
  topic: bookingsTopic,
  eventType: "BookingCancelled",
  eventKey: "booking_id",
  key: ["booking_id"],
  schema: { cancellation_time: INSTANT, booking_id: pl.String, flight_id: pl.String, ...PLACE_FIELDS },
  rows: (events) =>
    events.withColumns(pl.col("event_time").alias("cancellation_time"))
      .select(...columnsOf(factBookingCancellation.schema)),
};

/** Topic `seat_map`: which seats of a flight are taken, keyed by `flight_id`. */

import { EventError } from "./event_error.ts";
import { shown } from "./_check.ts";
import type { JsonObject } from "./_check.ts";
import { TOTAL_SEATS_MAX } from "./flight_lifecycle.ts";

/** The occupied seats of a flight at a moment. */
export interface SeatMapSnapshot {
  event_type: "SeatMapSnapshot";
  event_time: string;
  flight_id: string;
  /** Seat ids such as `12A`, in row order. */
  occupied_seats: string[];
}

/** Field checks by event type; see `parse_event.ts`. */
export const seatMapChecks = {
  SeatMapSnapshot(event: JsonObject): void {
    const seats = event.occupied_seats;
    if (seats === undefined) {
      throw new EventError("missing_field", `Field "occupied_seats" is missing, expected a list`);
    }
    if (!Array.isArray(seats) || !seats.every((seat) => typeof seat === "string")) {
      throw new EventError(
        "wrong_type",
        `Field "occupied_seats" is ${shown(seats)}, expected a list of strings`,
      );
    }
    if (seats.length > TOTAL_SEATS_MAX) {
      throw new EventError(
        "out_of_range",
        `Field "occupied_seats" has ${seats.length} entries, expected at most ${TOTAL_SEATS_MAX}`,
      );
    }
  },
};

/** One event of the topic as it travels. */
export const seatMapExample: SeatMapSnapshot = {
  event_type: "SeatMapSnapshot",
  event_time: "2025-11-24T10:16:00.000Z",
  flight_id: "BA210_2025-11-28",
  occupied_seats: ["12A"],
};

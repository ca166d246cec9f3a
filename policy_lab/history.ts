/** Flights of the past, sold without promotions: what the ETL makes booking curves of. */

import type { RouteFlight } from "../etl/route_curves.ts";
import { routeOf } from "../forecast/flight_kind.ts";
import type { Flight } from "../producer/flight.ts";
import { networkFlight, type NetworkFlightOptions } from "../producer/network_simulation.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** Sells a flight without a promotion. */
export function sellPast(flight: Flight, sale: NetworkFlightOptions): RouteFlight {
  const sales: { daysBefore: number; seats: number; bucket: string }[] = [];
  const booked = new Map<string, { seats: number; bucket: string }>();
  const simulation = networkFlight(flight, sale).simulate([]);
  while (simulation.nextMs < Infinity) {
    if (simulation.nextTopic !== "bookings") {
      simulation.skip();
      continue;
    }
    const daysBefore = (flight.scheduledDepartureMs - simulation.nextMs) / DAY_MS;
    const event = simulation.takeEvent();
    if (event.event_type === "BookingCreated") {
      const sold = { seats: event.passengers.length, bucket: event.fare_bucket };
      booked.set(event.booking_id, sold);
      sales.push({ daysBefore, ...sold });
    } else if (event.event_type === "BookingCancelled") {
      const { seats, bucket } = booked.get(event.booking_id)!;
      sales.push({ daysBefore, seats: -seats, bucket });
    }
  }
  return {
    flightId: flight.flightId,
    totalSeats: flight.totalSeats,
    knownFromDays: sale.bookingHorizonMs / DAY_MS,
    sales,
    route: routeOf(flight.originAirport, flight.destinationAirport),
    departureMs: flight.scheduledDepartureMs,
  };
}

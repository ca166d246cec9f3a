/** What is known of flights before: a past sold without promotions, and its booking curves as the ETL publishes them. */

import type { BookingCurvesPublished, PublishedCurve } from "../events/booking_curves.ts";
import type { BookingCurve } from "../forecast/booking_curve.ts";
import { buildCurve, type FlightHistory } from "../forecast/build_curve.ts";
import { ALL_ROUTES, type FlightKind, kindsOf, routeOf } from "../forecast/flight_kind.ts";
import type { Flight } from "../producer/flight.ts";
import { networkFlight, type NetworkFlightOptions } from "../producer/network_simulation.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** A flight of the past and how it sold. */
export interface PastFlight {
  flight: Flight;
  history: FlightHistory;
}

/** Sells flights without a promotion. */
export function sellPast(flights: readonly Flight[], sale: NetworkFlightOptions): PastFlight[] {
  return flights.map((flight) => ({ flight, history: sell(flight, sale) }));
}

function sell(flight: Flight, sale: NetworkFlightOptions): FlightHistory {
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
  const { flightId, totalSeats } = flight;
  return { flightId, totalSeats, knownFromDays: sale.bookingHorizonMs / DAY_MS, sales };
}

/** The curves of all routes and kinds, one event a route. */
export function publishedCurves(past: readonly PastFlight[], version: string): BookingCurvesPublished[] {
  if (past.length === 0) return [];
  const byRoute = new Map<string, PastFlight[]>([[ALL_ROUTES, [...past]]]);
  for (const each of past) {
    const route = routeOf(each.flight.originAirport, each.flight.destinationAirport);
    const flights = byRoute.get(route);
    if (flights === undefined) byRoute.set(route, [each]);
    else flights.push(each);
  }
  return [...byRoute].map(([route, flights]) => ({
    event_type: "BookingCurvesPublished",
    event_time: `${version}T23:59:59.999Z`,
    version,
    route,
    curves: curvesOf(flights),
  }));
}

function curvesOf(past: readonly PastFlight[]): PublishedCurve[] {
  const kinds = new Map<string, { kind: FlightKind; histories: FlightHistory[] }>();
  for (const { flight, history } of past) {
    for (const kind of kindsOf(flight.scheduledDepartureMs)) {
      const name = `${kind.weekday}/${kind.daypart}`;
      const known = kinds.get(name);
      if (known === undefined) kinds.set(name, { kind, histories: [history] });
      else known.histories.push(history);
    }
  }
  return [...kinds.values()].map(({ kind, histories }) => published(kind, buildCurve(histories)));
}

function published(kind: FlightKind, { flights, points, buckets }: BookingCurve): PublishedCurve {
  return {
    ...kind,
    flights,
    points: points.map((point) => ({
      days_before: point.daysBefore,
      flights: point.flights,
      mean_load: point.meanLoad,
      mean_pickup: point.meanPickup,
      variance_pickup: point.variancePickup,
      ratio: point.ratio,
      variance_ratio: point.varianceRatio,
    })),
    buckets: buckets.map(({ bucket, points }) => ({
      bucket,
      points: points.map(({ daysBefore, mean, variance }) => ({ days_before: daysBefore, mean, variance })),
    })),
  };
}

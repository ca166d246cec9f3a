/** A flight as the board shows it. */

import type { FlightScheduled } from "../events/flight_lifecycle.ts";
import type { CabinInventoryMetrics } from "../events/inventory_metrics.ts";

/** Where a flight is in its life. */
type FlightPhase = "scheduled" | "departed" | "arrived" | "cancelled";

/** The load factor that is expected at departure; it lies between `low` and `high` with a probability of 80 %. */
interface FlightForecast {
  load_factor: number;
  load_factor_low: number;
  load_factor_high: number;
}

/** Field names as on the wire. */
export interface BoardFlight {
  flight_id: string;
  airline_code: string;
  origin_airport: string;
  destination_airport: string;
  scheduled_departure_time: string;
  scheduled_arrival_time: string | null;
  aircraft_type: string | null;
  phase: FlightPhase;
  delay_minutes: number;
  total_seats: number;
  booked_seats: number;
  /** 0 to 1. */
  load_factor: number;
  /** The mean of all flights so long before departure; null while there is too little to say. */
  usual_load_factor: number | null;
  /** Of the final load factor, as of the newest metrics; null where the consumer does not forecast. */
  forecast: FlightForecast | null;
  /** Whole minutes, as of the newest event of the flight. */
  minutes_to_departure: number;
  booking_velocity_per_hour: number | null;
  /** Of the newest metrics. */
  metric_time: string | null;
  /** The cheapest fare on sale, before a promotion. */
  lowest_fare: { fare_bucket: string; price: number; currency: string | null } | null;
  /** The newest promotion. */
  promotion: { discount_percentage: number; promo_time: string; reason: string | null } | null;
}

/** What the schedule says of a flight. */
export function scheduleOf(event: FlightScheduled) {
  return {
    airline_code: event.airline_code,
    origin_airport: event.origin_airport,
    destination_airport: event.destination_airport,
    scheduled_departure_time: event.scheduled_departure_time,
    scheduled_arrival_time: event.scheduled_arrival_time ?? null,
    aircraft_type: event.aircraft_type ?? null,
    total_seats: event.total_seats,
  };
}

/** A flight of which nothing is known but its schedule. */
export function newBoardFlight(event: FlightScheduled, minutesToDeparture: number): BoardFlight {
  return {
    flight_id: event.flight_id,
    ...scheduleOf(event),
    phase: "scheduled",
    delay_minutes: 0,
    booked_seats: 0,
    load_factor: 0,
    usual_load_factor: null,
    forecast: null,
    minutes_to_departure: minutesToDeparture,
    booking_velocity_per_hour: null,
    metric_time: null,
    lowest_fare: null,
    promotion: null,
  };
}

/** The forecast that metrics carry, where they do. */
export function forecastOf(metrics: CabinInventoryMetrics): FlightForecast | null {
  const { forecast_load_factor, forecast_load_factor_low, forecast_load_factor_high } = metrics;
  if (forecast_load_factor === undefined) return null;
  return {
    load_factor: forecast_load_factor,
    load_factor_low: forecast_load_factor_low ?? forecast_load_factor,
    load_factor_high: forecast_load_factor_high ?? forecast_load_factor,
  };
}

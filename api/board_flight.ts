/** A flight as the board shows it. */

/** Where a flight is in its life. */
type FlightPhase = "scheduled" | "departed" | "arrived" | "cancelled";

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

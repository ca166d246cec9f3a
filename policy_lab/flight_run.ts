/** One flight sold under one policy: the producer's flight, the consumer's engine, the policy's decisions taken up at once. */

import type { BookingCancelled, BookingCreated } from "../events/bookings.ts";
import type { PromotionTriggered } from "../events/promo_decisions.ts";
import type { Flight } from "../producer/flight.ts";
import type { Promotion } from "../producer/fares.ts";
import { upTo } from "../producer/flight_simulation.ts";
import { networkFlight, type NetworkFlightOptions } from "../producer/network_simulation.ts";
import type { PolicyEngine } from "./policy_engine.ts";
import { type ShopperTally, WatchedDemand } from "./watched_demand.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** A flight at its departure, under one policy. */
export interface FlightOutcome extends ShopperTally {
  /** Of what was paid and not given back, in pounds. */
  revenue: number;
  seatsSold: number;
  bookings: number;
  cancellations: number;
  promotions: number;
}

/** Looks at the booked seats at fixed times before departure. */
export interface CurveSample {
  /** Days before departure, falling. */
  readonly days: readonly number[];
  /** Told once for each of them. */
  seen(at: number, bookedSeats: number): void;
}

interface Sold {
  price: number;
  seats: number;
}

/** Sells a flight from its opening to its departure. */
export function runFlight(
  flight: Flight,
  engine: PolicyEngine,
  options: { sale: NetworkFlightOptions; curve: CurveSample },
): FlightOutcome {
  const { sale, curve } = options;
  let watched: WatchedDemand | undefined;
  const simulated = networkFlight(flight, {
    ...sale,
    watch: (demand) => {
      const { fares } = demand;
      return watched = new WatchedDemand(demand, fares, flight.scheduledDepartureMs);
    },
  });
  const promotions: Promotion[] = [];
  let simulation = simulated.simulate(promotions);
  const sold = new Map<string, Sold>();
  const outcome = { revenue: 0, seatsSold: 0, bookings: 0, cancellations: 0 };
  let sample = 0;
  const sampleUpTo = (atMs: number) => {
    while (
      sample < curve.days.length && flight.scheduledDepartureMs - curve.days[sample]! * DAY_MS <= atMs
    ) curve.seen(sample++, outcome.seatsSold);
  };
  while (simulation.nextMs < Infinity) {
    const topic = simulation.nextTopic;
    const atMs = simulation.nextMs;
    if (topic === "seat_map") {
      simulation.skip();
      continue;
    }
    sampleUpTo(atMs);
    const event = simulation.takeEvent();
    if (event.event_type === "BookingCreated") take(event, sold, outcome);
    else if (event.event_type === "BookingCancelled") giveBack(event, sold, outcome);
    if (!("event_time" in event)) continue;
    // All that a flight does happens at whole milliseconds.
    const decision = engine.apply(topic, event, atMs);
    if (decision === undefined) continue;
    promotions.push(promotionOf(decision, atMs + 1));
    // As the producer does: the same shoppers from the beginning, with what was decided.
    simulation = upTo(simulated.simulate([...promotions]), atMs + 1);
  }
  sampleUpTo(Infinity);
  engine.flightOver();
  return { ...outcome, ...watched!.rest(), promotions: promotions.length };
}

function promotionOf(decision: PromotionTriggered, fromMs: number): Promotion {
  return {
    fromMs,
    discountPercentage: decision.discount_percentage,
    targetFareBucket: decision.target_fare_bucket ?? "K",
  };
}

type Sums = Pick<FlightOutcome, "revenue" | "seatsSold" | "bookings" | "cancellations">;

function take(event: BookingCreated, sold: Map<string, Sold>, outcome: Sums): void {
  const seats = event.passengers.length;
  sold.set(event.booking_id, { price: event.total_price, seats });
  outcome.revenue += event.total_price;
  outcome.seatsSold += seats;
  outcome.bookings++;
}

function giveBack(event: BookingCancelled, sold: Map<string, Sold>, outcome: Sums): void {
  const { price, seats } = sold.get(event.booking_id)!;
  outcome.revenue -= price;
  outcome.seatsSold -= seats;
  outcome.cancellations++;
}

/** Promotes a flight that is expected to miss its target, as long as no discounted seat goes below the bid price. */

import { emsrB } from "../../revenue/emsr_b.ts";
import type { FareClass } from "../../revenue/fare_class.ts";
import { normalDistribution } from "../../revenue/normal.ts";
import { bestDiscount, DISCOUNT_CHOICE, withoutHistory } from "./discount_choice.ts";
import type { DiscountChoiceOptions } from "./discount_choice.ts";
import type {
  BucketDemand,
  FlightForecast,
  Observation,
  OpenFare,
  PromotionDecision,
  PromotionPolicy,
} from "./policy.ts";

/** Seats that EMSR-b keeps for fares above `price`, given the demand still to come; 0 where there is none above. */
export function seatsKeptAbove(price: number, fares: readonly OpenFare[], forecast: FlightForecast): number {
  return keptAbove(price, classesOf(fares, forecast.demand));
}

function keptAbove(price: number, classes: readonly FareClass[]): number {
  const above = classes.filter(({ fare }) => fare > price);
  if (above.length === 0) return 0;
  above.push({ fare: price, mean: 0, standardDeviation: 0 });
  return emsrB(above).at(-1)!;
}

/**
 * The price below which EMSR-b sells none of `freeSeats`: the most that any set of the higher fares together is expected to
 * pay for the last seat, r̄·P(S > seats), and no more than the lowest fare of the set, which is offered it anyhow.
 */
export function bidPriceOf(freeSeats: number, fares: readonly OpenFare[], forecast: FlightForecast): number {
  return priceOfLastSeat(freeSeats, classesOf(fares, forecast.demand));
}

function priceOfLastSeat(freeSeats: number, classes: readonly FareClass[]): number {
  if (freeSeats <= 0) return classes[0]?.fare ?? 0;
  let [mean, variance, revenue, bidPrice] = [0, 0, 0, 0];
  for (const { fare, mean: seats, standardDeviation } of classes) {
    mean += seats;
    variance += standardDeviation ** 2;
    revenue += fare * seats;
    if (mean === 0) continue;
    const wanted = variance > 0
      ? normalDistribution((mean - freeSeats) / Math.sqrt(variance))
      : Number(mean > freeSeats);
    bidPrice = Math.max(bidPrice, Math.min(fare, revenue / mean * wanted));
  }
  return bidPrice;
}

/** The buckets on sale with the demand still to come for each, the highest fare first. */
function classesOf(fares: readonly OpenFare[], demand: readonly BucketDemand[]): FareClass[] {
  return fares.map(({ bucket, price }) => {
    const known = demand.find((entry) => entry.bucket === bucket);
    return { fare: price, mean: known?.mean ?? 0, standardDeviation: Math.sqrt(known?.variance ?? 0) };
  });
}

/**
 * Wants what `FORECAST` wants and sells a discounted seat only where EMSR-b leaves one: of the lowest bucket on sale, at the
 * discounted price, after the seats that the higher fares are kept. A flight without history, or without a snapshot of
 * its fares, is left to the published rule.
 */
export function bidPricePolicy(options: Partial<DiscountChoiceOptions> = {}): PromotionPolicy {
  const choice = { ...DISCOUNT_CHOICE, ...options };
  return {
    name: "BID_PRICE",
    version: 1,
    guards: ["minimum_fare", "dilution", "ahead_of_curve"],
    usesFares: true,
    evaluate(observation: Observation): PromotionDecision | undefined {
      const { forecast, fares } = observation;
      const lowest = fares?.at(-1);
      if (forecast === null || forecast === undefined || lowest === undefined) {
        return withoutHistory(observation);
      }
      const wanted = bestDiscount(observation, forecast, choice);
      if (wanted === undefined) return undefined;
      // Worked out by the forecast only now that it is needed.
      const { demand } = forecast;
      if (demand.length === 0) return withoutHistory(observation);
      const freeSeats = (observation.total_seats ?? 0) - (observation.booked_seats ?? 0);
      const price = lowest.price * (100 - wanted.discount_percentage) / 100;
      const classes = classesOf(fares!, demand);
      const kept = keptAbove(price, classes);
      const bidPrice = Math.round(priceOfLastSeat(freeSeats, classes) * 100) / 100;
      const sells = freeSeats > kept;
      const fact = `a seat of bucket ${lowest.bucket} at ${price.toFixed(2)} is ${
        sells ? "above" : "below"
      } the bid price ${bidPrice.toFixed(2)} (${freeSeats} seats are free, ${
        kept.toFixed(1)
      } are kept for higher fares)`;
      const heldBackBy = wanted.heldBackBy ?? (sells ? undefined : "below_bid_price");
      return {
        ...wanted,
        inputs: {
          ...wanted.inputs,
          free_seats: freeSeats,
          discounted_price: Math.round(price * 100) / 100,
          bid_price: bidPrice,
          seats_kept_above: Math.round(kept * 1000) / 1000,
        },
        reason: `${wanted.reason}; ${fact}`,
        ...(heldBackBy === undefined ? {} : { heldBackBy }),
      };
    },
  };
}

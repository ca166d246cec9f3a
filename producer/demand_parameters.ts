/**
 * Every parameter of the `network` profile's demand, with its source, or marked as an assumption. How they work
 * together is told in `network_demand.ts`.
 *
 * @module
 */

/** People who travel for one kind of reason. */
export interface Segment {
  /**
   * Price elasticity of demand at the flight's lowest published fare. Willingness to pay is exponential, so that a
   * fare p is paid by exp(−elasticity × p / lowest fare) of those who want to fly: for small changes of the lowest
   * fare demand changes by elasticity times as much.
   */
  readonly elasticity: number;
  /** Exponents a and b of the arrival curve: the share of shoppers up to a share x of the sale is 1 − (1 − x^a)^b. */
  readonly arrival: { readonly rise: number; readonly fall: number };
  /** Probabilities of parties of 1, 2, 3 and 4. */
  readonly partySizes: readonly [number, number, number, number];
  /** Probability that a booking is given back before departure. */
  readonly cancellation: number;
  /** Probability that a passenger who still has a seat does not come. */
  readonly noShow: number;
}

/**
 * Elasticities: medians for short-haul flights of the studies gathered in Gillen, Morrison and Stewart, "Air travel
 * demand elasticities: concepts, issues and measurement" (Department of Finance Canada, 2003): leisure −1.5,
 * business −0.7; taken up in IATA, "Air travel demand", Economics Briefing 9 (2008).
 *
 * Arrival curves of the beta kind: Weatherford, Bodily and Pfeifer, "Modeling the customer arrival process and
 * comparing decision rules in perishable asset revenue management situations", Transportation Science 27 (1993);
 * here in the form that can be inverted: Kumaraswamy, "A generalized probability density function for double-bounded
 * random processes", Journal of Hydrology 46 (1980). That leisure books early and business late is common to the
 * literature (Talluri and van Ryzin, 2004, section 1.1); the exponents are assumptions: on average leisure comes at
 * 0.45 of the sale, business at 0.78.
 *
 * Party sizes, cancellations and no-shows are assumptions; that business changes its plans more often is common to
 * the literature, too (Talluri and van Ryzin, 2004, section 4.1).
 */
export const SEGMENTS: { readonly leisure: Segment; readonly business: Segment } = {
  leisure: {
    elasticity: 1.5,
    arrival: { rise: 1.5, fall: 2 },
    partySizes: [0.45, 0.38, 0.09, 0.08],
    cancellation: 0.06,
    noShow: 0.02,
  },
  business: {
    elasticity: 0.7,
    arrival: { rise: 3.5, fall: 1 },
    partySizes: [0.85, 0.12, 0.02, 0.01],
    cancellation: 0.12,
    noShow: 0.06,
  },
};

/**
 * Seats that would be booked at the lowest fare without a limit, as a share of the capacity: this mean over routes
 * and dates. An assumption: with it, and the spread below, a bit less than four fifths of the seats leave filled (US
 * domestic flights of 2013: 83 %, Bureau of Transportation Statistics), some flights sell out, some stay half empty.
 */
export const DEMAND_LEVEL_MEAN = 0.98;

/** Standard deviations of the level's logarithm: from route to route, and from flight to flight (assumptions). */
export const DEMAND_LEVEL_SPREAD = { route: 0.2, flight: 0.3 } as const;

/** The level by weekday of the departure at the origin, Sunday first (an assumption; mean 1). */
export const DEMAND_BY_WEEKDAY: readonly number[] = [1.06, 1.02, 0.92, 0.95, 1.05, 1.12, 0.88];

/** The share of seats that business asks for at the lowest fare, by weekday, Sunday first (an assumption). */
export const BUSINESS_SHARE_BY_WEEKDAY: readonly number[] = [0.3, 0.45, 0.45, 0.45, 0.45, 0.35, 0.2];

/** Shoppers beside each who would book at the lowest fare, himself included, where no other number is asked for. */
export const LOOK_TO_BOOK_DEFAULT = 10;
/** Of those who want to fly so many come beside each who books: fewer shoppers there cannot be. */
export const LOOK_TO_BOOK_MIN = 4.5;
/** More are not made. */
export const LOOK_TO_BOOK_MAX = 100;

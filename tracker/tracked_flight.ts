/** A flight as the tracker tells it; field names and shape are fixed. */

/** One flight leg. Times are ISO 8601 UTC. */
export interface TrackedFlight {
  /** `UAL1545`. */
  ident: string;
  /** Names this leg on this day, for ever. */
  fa_flight_id: string;
  /** `Scheduled`, `En Route`, `Landed / Taxiing`, `Arrived`, `Cancelled`, `Diverted` or an upstream's own words. */
  status: string;
  aircraft_type: string | null;
  /** Airport codes. */
  origin: string | null;
  destination: string | null;
  scheduled_out: string | null;
  actual_out: string | null;
  scheduled_in: string | null;
  actual_in: string | null;
  /** Degrees; null where the position is not known. */
  latitude: number | null;
  longitude: number | null;
  /** Hundreds of feet, as AeroAPI gives it. */
  altitude: number | null;
  /** Knots. */
  groundspeed: number | null;
}

/** Where a leg stands in time, for choosing among the legs of one ident. */
interface LegTimes {
  outMs: number | undefined;
  inMs: number | undefined;
  /** It has left and not arrived. */
  enRoute: boolean;
}

function timesOf(flight: TrackedFlight): LegTimes {
  const parse = (text: string | null) => text === null ? undefined : Date.parse(text);
  const outMs = parse(flight.actual_out) ?? parse(flight.scheduled_out);
  const inMs = parse(flight.actual_in) ?? parse(flight.scheduled_in);
  const over = flight.actual_in !== null || /cancel/i.test(flight.status);
  return { outMs, inMs, enRoute: flight.actual_out !== null && !over };
}

/**
 * The leg that somebody who asks at `nowMs` means: one that is under way, else the next to leave, else the last that
 * left. Legs with the same `fa_flight_id`, which a diverted flight has twice, count once: the newer one, which comes
 * first in AeroAPI's answers. `undefined` of no legs.
 */
export function currentLeg(legs: readonly TrackedFlight[], nowMs: number): TrackedFlight | undefined {
  const distinct = new Map<string, TrackedFlight>();
  for (const leg of legs) if (!distinct.has(leg.fa_flight_id)) distinct.set(leg.fa_flight_id, leg);
  const timed = [...distinct.values()].map((leg) => ({ leg, times: timesOf(leg) }));
  const byDeparture = (a: { times: LegTimes }, b: { times: LegTimes }) =>
    (a.times.outMs ?? Infinity) - (b.times.outMs ?? Infinity);
  const enRoute = timed.filter(({ times }) => times.enRoute).sort(byDeparture);
  if (enRoute.length > 0) return enRoute.at(-1)!.leg;
  const next = timed.filter(({ times }) => (times.outMs ?? -Infinity) >= nowMs).sort(byDeparture);
  if (next.length > 0) return next[0]!.leg;
  return timed.sort(byDeparture).findLast(({ times }) => times.outMs !== undefined)?.leg ?? timed.at(-1)?.leg;
}

/** How high and fast a flight is, by the time since take-off: a climb, a cruise and a descent. */

/** The state of a flight at a moment. */
export interface ProfileState {
  /** 0 to 1 of the way over the ground. */
  share: number;
  /** Hundreds of feet. */
  altitude: number;
  /** Knots over the ground. */
  groundspeed: number;
}

/** Feet a minute, about what a narrow-body jet's climb and descent come to on average. */
const CLIMB_RATE = 2000;
const DESCENT_RATE = 1800;
const TAKE_OFF_KNOTS = 150;
const LANDING_KNOTS = 135;
/** Neither climb nor descent takes more of a short flight than this. */
const PHASE_SHARE_MAX = 0.4;

/** Cruising altitude in feet by distance: short hops stay low. */
function cruiseFeet(distanceNm: number): number {
  if (distanceNm < 150) return 17_000;
  if (distanceNm < 300) return 25_000;
  if (distanceNm < 600) return 33_000;
  return distanceNm < 1500 ? 36_000 : 38_000;
}

/**
 * The state after `elapsedMinutes` of a flight of `minutes` over `distanceNm` nautical miles. The speed rises and
 * falls evenly in climb and descent; the cruising speed is the one that covers the distance in the time.
 */
export function flightProfile(
  options: { distanceNm: number; minutes: number; elapsedMinutes: number },
): ProfileState {
  const minutes = Math.max(1, options.minutes);
  const elapsed = Math.min(minutes, Math.max(0, options.elapsedMinutes));
  const feet = cruiseFeet(options.distanceNm);
  const climb = Math.min(feet / CLIMB_RATE, PHASE_SHARE_MAX * minutes);
  const descent = Math.min(feet / DESCENT_RATE, PHASE_SHARE_MAX * minutes);
  const cruise = minutes - climb - descent;
  // Distance = area under the speed: two trapezoids and a rectangle, solved for the cruising speed.
  const ramps = (climb * TAKE_OFF_KNOTS + descent * LANDING_KNOTS) / 2;
  const cruiseKnots = Math.max(
    LANDING_KNOTS,
    (options.distanceNm * 60 - ramps) / (cruise + (climb + descent) / 2),
  );
  const climbed = (t: number) => t * (TAKE_OFF_KNOTS + (cruiseKnots - TAKE_OFF_KNOTS) * t / (2 * climb));
  const left = (t: number) => t * (LANDING_KNOTS + (cruiseKnots - LANDING_KNOTS) * t / (2 * descent));
  const whole = climbed(climb) + cruise * cruiseKnots + left(descent);
  if (elapsed < climb) {
    const part = elapsed / climb;
    return {
      share: climbed(elapsed) / whole,
      altitude: Math.round(feet * part / 100),
      groundspeed: Math.round(TAKE_OFF_KNOTS + (cruiseKnots - TAKE_OFF_KNOTS) * part),
    };
  }
  const remaining = minutes - elapsed;
  if (remaining < descent) {
    const part = remaining / descent;
    return {
      share: 1 - left(remaining) / whole,
      altitude: Math.round(feet * part / 100),
      groundspeed: Math.round(LANDING_KNOTS + (cruiseKnots - LANDING_KNOTS) * part),
    };
  }
  return {
    share: (climbed(climb) + (elapsed - climb) * cruiseKnots) / whole,
    altitude: Math.round(feet / 100),
    groundspeed: Math.round(cruiseKnots),
  };
}

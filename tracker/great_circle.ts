/** Positions between two airports, along the shortest way over the sphere. */

/** Degrees; north and east are positive. */
export interface Position {
  latitude: number;
  longitude: number;
}

/** Mean radius of the earth in nautical miles (IUGG, 6,371.0088 km). */
const EARTH_RADIUS_NM = 3440.0695;

const radians = (degrees: number) => degrees * Math.PI / 180;
const degrees = (radians: number) => radians * 180 / Math.PI;

/** The angle between two positions at the earth's centre, in radians; haversine formula (Sinnott 1984). */
function angleBetween(a: Position, b: Position): number {
  const dLatitude = radians(b.latitude - a.latitude);
  const dLongitude = radians(b.longitude - a.longitude);
  const h = Math.sin(dLatitude / 2) ** 2 +
    Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * Math.sin(dLongitude / 2) ** 2;
  return 2 * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** The distance in nautical miles. */
export function distanceNm(a: Position, b: Position): number {
  return angleBetween(a, b) * EARTH_RADIUS_NM;
}

/**
 * The position after `share` (0 to 1) of the way from `a` to `b` on the great circle (Williams, Aviation Formulary,
 * "Intermediate points on a great circle"). Of opposite points on the globe, which have no one way, `a` or `b`.
 */
export function alongGreatCircle(a: Position, b: Position, share: number): Position {
  const angle = angleBetween(a, b);
  const sine = Math.sin(angle);
  if (sine < 1e-12) return share < 0.5 ? a : b;
  const fromA = Math.sin((1 - share) * angle) / sine;
  const fromB = Math.sin(share * angle) / sine;
  const [aLatitude, aLongitude] = [radians(a.latitude), radians(a.longitude)];
  const [bLatitude, bLongitude] = [radians(b.latitude), radians(b.longitude)];
  const x = fromA * Math.cos(aLatitude) * Math.cos(aLongitude) +
    fromB * Math.cos(bLatitude) * Math.cos(bLongitude);
  const y = fromA * Math.cos(aLatitude) * Math.sin(aLongitude) +
    fromB * Math.cos(bLatitude) * Math.sin(bLongitude);
  const z = fromA * Math.sin(aLatitude) + fromB * Math.sin(bLatitude);
  return {
    latitude: degrees(Math.atan2(z, Math.hypot(x, y))),
    longitude: degrees(Math.atan2(y, x)),
  };
}

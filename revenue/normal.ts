/** The standard normal distribution: density, distribution function and its inverse. */

const SQRT_TWO_PI = 2.5066282746310002;
/** From here on the rational form gives way to a continued fraction. */
const TAIL_FROM = 7.07106781186547;
const UPPER = [
  3.52624965998911e-2,
  0.700383064443688,
  6.37396220353165,
  33.912866078383,
  112.079291497871,
  221.213596169931,
  220.206867912376,
];
const LOWER = [
  8.83883476483184e-2,
  1.75566716318264,
  16.064177579207,
  86.7807322029461,
  296.564248779674,
  637.333633378831,
  793.826512519948,
  440.413735824752,
];

/** φ(x), the density. */
export function normalDensity(x: number): number {
  return Math.exp(-x * x / 2) / SQRT_TWO_PI;
}

/**
 * Φ(x), the probability of a value up to x; error below 1e-14.
 *
 * Hart's algorithm 5666 (1968) as given by West, "Better approximations to cumulative normal functions", Wilmott
 * Magazine (2005).
 */
export function normalDistribution(x: number): number {
  const size = Math.abs(x);
  if (size > 37) return x > 0 ? 1 : 0;
  const density = Math.exp(-size * size / 2);
  const tail = size < TAIL_FROM
    ? density * polynomial(UPPER, size) / polynomial(LOWER, size)
    : density / (SQRT_TWO_PI * (size + 1 / (size + 2 / (size + 3 / (size + 4 / (size + 0.65))))));
  return x > 0 ? 1 - tail : tail;
}

const CENTRE = [
  2509.0809287301226727,
  33430.575583588128105,
  67265.770927008700853,
  45921.953931549871457,
  13731.693765509461125,
  1971.5909503065514427,
  133.14166789178437745,
  3.387132872796366608,
];
const CENTRE_BELOW = [
  5226.495278852854561,
  28729.085735721942674,
  39307.89580009271061,
  21213.794301586595867,
  5394.1960214247511077,
  687.1870074920579083,
  42.313330701600911252,
  1,
];
const MIDDLE = [
  7.7454501427834140764e-4,
  0.0227238449892691845833,
  0.24178072517745061177,
  1.27045825245236838258,
  3.64784832476320460504,
  5.7694972214606914055,
  4.6303378461565452959,
  1.42343711074968357734,
];
const MIDDLE_BELOW = [
  1.05075007164441684324e-9,
  5.475938084995344946e-4,
  0.0151986665636164571966,
  0.14810397642748007459,
  0.68976733498510000455,
  1.6763848301838038494,
  2.05319162663775882187,
  1,
];
const FAR = [
  2.01033439929228813265e-7,
  2.71155556874348757815e-5,
  0.0012426609473880784386,
  0.026532189526576123093,
  0.29656057182850489123,
  1.7848265399172913358,
  5.4637849111641143699,
  6.6579046435011037772,
];
const FAR_BELOW = [
  2.04426310338993978564e-15,
  1.4215117583164458887e-7,
  1.8463183175100546818e-5,
  7.868691311456132591e-4,
  0.0148753612908506148525,
  0.13692988092273580531,
  0.59983220655588793769,
  1,
];

/**
 * Φ⁻¹(p), the value that is not exceeded with probability p; relative error about 1e-16.
 *
 * Wichura, "Algorithm AS 241: The percentage points of the normal distribution", Applied Statistics 37 (1988).
 *
 * @returns −∞ for 0 and ∞ for 1.
 * @throws {RangeError} outside 0 to 1.
 */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) throw new RangeError(`A probability is ${p}, expected 0 to 1`);
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return q * polynomial(CENTRE, r) / polynomial(CENTRE_BELOW, r);
  }
  const tail = Math.min(p, 1 - p);
  if (tail === 0) return q < 0 ? -Infinity : Infinity;
  const r = Math.sqrt(-Math.log(tail));
  const size = r <= 5
    ? polynomial(MIDDLE, r - 1.6) / polynomial(MIDDLE_BELOW, r - 1.6)
    : polynomial(FAR, r - 5) / polynomial(FAR_BELOW, r - 5);
  return q < 0 ? -size : size;
}

/** The highest power first (Horner). */
function polynomial(coefficients: readonly number[], x: number): number {
  let value = 0;
  for (const coefficient of coefficients) value = value * x + coefficient;
  return value;
}

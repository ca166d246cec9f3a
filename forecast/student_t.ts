/** How wide an 80 % interval is, by the number of flights behind it. */

/**
 * 0.9 quantile of Student's t for 1 to 30 degrees of freedom
 * (NIST/SEMATECH e-Handbook of Statistical Methods, table 1.3.6.7.2).
 */
const T_90: readonly number[] = [
  3.078,
  1.886,
  1.638,
  1.533,
  1.476,
  1.440,
  1.415,
  1.397,
  1.383,
  1.372,
  1.363,
  1.356,
  1.350,
  1.345,
  1.341,
  1.337,
  1.333,
  1.330,
  1.328,
  1.325,
  1.323,
  1.321,
  1.319,
  1.318,
  1.316,
  1.315,
  1.314,
  1.313,
  1.311,
  1.310,
];
const NORMAL_90 = 1.2816;

/** Half the width of an 80 % prediction interval in standard deviations, from `samples` values; at least 2. */
export function halfWidth80(samples: number): number {
  const freedom = Math.max(1, Math.floor(samples) - 1);
  // Beyond 30 the quantile goes as 1/freedom towards the normal one.
  const t = T_90[freedom - 1] ?? NORMAL_90 + (T_90[29]! - NORMAL_90) * 30 / freedom;
  return t * Math.sqrt(1 + 1 / Math.max(2, samples));
}

/** Who buys because of a discount, and who would have bought anyhow. */

/**
 * Buyers more, in percent, that a price lower by one percent brings: the median of the estimates for short-haul leisure
 * travel that Gillen, Morrison and Stewart gather (Air Travel Demand Elasticities, 2003) is 1.52.
 */
export const PRICE_ELASTICITY = 1.5;

/**
 * The share of a promotion's buyers who would have paid the full price, 0 to 1: those expected anyhow among those plus the
 * ones that the discount brings.
 */
export function dilutionOf(discountPercentage: number, priceElasticity: number = PRICE_ELASTICITY): number {
  return 1 / (1 + priceElasticity * discountPercentage / 100);
}

/**
 * Pricing n seats over a time t with buyers who come as a Poisson process of rate a·e^{−p} at price p, in units of the
 * mean willingness to pay. Without a limit the best price is 1 and sells at λ* = a/e.
 *
 * Gallego and van Ryzin, "Optimal dynamic pricing of inventories with stochastic demand over finite horizons",
 * Management Science 40 (1994), section 2.3.
 *
 * @module
 */

/**
 * J*(n, t), what the best dynamic price earns: ln Σ_{i≤n} (λ*t)^i / i!.
 *
 * @param demand λ*t, the sales expected at price 1.
 */
export function dynamicPriceRevenue(demand: number, seats: number): number {
  let term = 1;
  let sum = 1;
  for (let i = 1; i <= seats; i++) {
    term *= demand / i;
    sum += term;
  }
  return Math.log(sum);
}

/** The deterministic bound: with demand that flows evenly the price that sells n seats, or 1 where that is more. */
export function deterministicRevenue(demand: number, seats: number): number {
  return demand <= seats ? demand : seats * (1 + Math.log(demand / seats));
}

/** The best price that never changes, and what it earns: the highest p·E min(N, n), N Poisson of mean λ*t·e^{1−p}. */
export function bestFixedPrice(demand: number, seats: number): { price: number; revenue: number } {
  const revenueAt = (price: number) => price * expectedSales(demand * Math.exp(1 - price), seats);
  // Revenue rises to its best and falls: golden-section search.
  const ratio = (Math.sqrt(5) - 1) / 2;
  let low = 0;
  let high = 2 + Math.log(1 + demand);
  while (high - low > 1e-10) {
    const left = high - ratio * (high - low);
    const right = low + ratio * (high - low);
    if (revenueAt(left) < revenueAt(right)) low = left;
    else high = right;
  }
  const price = (low + high) / 2;
  return { price, revenue: revenueAt(price) };
}

/** E min(N, n) for N Poisson of a mean. */
function expectedSales(mean: number, seats: number): number {
  let probability = Math.exp(-mean);
  let below = 0;
  let sales = 0;
  for (let count = 0; count < seats; count++) {
    sales += count * probability;
    below += probability;
    probability *= mean / (count + 1);
  }
  return sales + seats * (1 - below);
}

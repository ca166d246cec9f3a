import { equal, ok, throws } from "node:assert/strict";
import { normalDensity, normalDistribution, normalQuantile } from "../../revenue/normal.ts";

/** Φ(x) to 16 digits (mpmath, `ncdf`). */
const DISTRIBUTION: [x: number, probability: number][] = [
  [0, 0.5],
  [0.5, 0.6914624612740131],
  [1, 0.8413447460685429],
  [1.96, 0.9750021048517795],
  [-1, 0.15865525393145705],
  [-3, 0.0013498980316300945],
  [-6, 9.865876450376981e-10],
  [-8, 6.220960574271785e-16],
];
for (const [x, probability] of DISTRIBUTION) {
  Deno.test(`normalDistribution(${x}) is ${probability}`, () => {
    ok(Math.abs(normalDistribution(x) - probability) < 1e-14);
    ok(Math.abs(normalDistribution(x) / probability - 1) < 1e-7);
  });
}

/** Φ⁻¹(p): R's `qnorm`, which is AS 241, too. */
const QUANTILES: [p: number, x: number][] = [
  [0.5, 0],
  [0.6, 0.2533471031357997],
  [0.75, 0.6744897501960817],
  [0.9, 1.2815515655446004],
  [0.975, 1.959963984540054],
  [0.001, -3.090232306167813],
  [1e-20, -9.262340089798408],
];
for (const [p, x] of QUANTILES) {
  Deno.test(`normalQuantile(${p}) is ${x}`, () => {
    ok(Math.abs(normalQuantile(p) - x) < 1e-14 * Math.max(1, Math.abs(x)));
  });
}

Deno.test("normalQuantile() is the inverse of normalDistribution(), and refuses what is no probability", () => {
  for (let p = 0.001; p < 1; p += 0.001) ok(Math.abs(normalDistribution(normalQuantile(p)) - p) < 1e-13);
  equal(normalQuantile(0), -Infinity);
  equal(normalQuantile(1), Infinity);
  for (const p of [-0.1, 1.1, NaN]) throws(() => normalQuantile(p), /expected 0 to 1/);
});

Deno.test("normalDensity() is the slope of normalDistribution()", () => {
  for (let x = -3; x <= 3; x += 0.25) {
    const slope = (normalDistribution(x + 1e-5) - normalDistribution(x - 1e-5)) / 2e-5;
    ok(Math.abs(slope - normalDensity(x)) < 1e-9);
  }
});

import { deepStrictEqual } from "node:assert/strict";
import { hazard, momentsOf, unconstrained } from "../../forecast/unconstrain.ts";
import { near } from "./_histories.ts";

/** z and φ(z) / (1 − Φ(z)), from the complementary error function of the C library. */
const HAZARDS: [number, number][] = [
  [-8, 5.052271083536896e-15],
  [-2, 0.05524786267898997],
  [0, 0.7978845608028654],
  [1, 1.525135276160981],
  [2, 2.37321553282284],
  [10, 10.098093233962423],
  [30, 30.033259667430148],
];
for (const [z, expected] of HAZARDS) {
  Deno.test(`hazard(${z}) is ${expected}`, () => near(hazard(z), expected, 1e-6 * expected));
}

/** Values, which of them are cut off, and the maximum of the likelihood found by a search of the plane; n / (n − 1) times. */
const CENSORED: [number[], number[], number, number][] = [
  [[1, 2, 3, 4, 5], [0, 0, 0, 0, 1], 3.1757780089974403, 3.67430632568708],
  [[10, 20, 20, 20], [0, 0, 1, 1], 20.475281894207, 69.83521122578627],
  [[8, 12, 15, 15, 9, 11], [0, 0, 1, 1, 0, 0], 12.428400139479587, 17.570401167555012],
];
for (const [values, cut, mean, variance] of CENSORED) {
  Deno.test(`unconstrained() of ${values} with ${cut} cut off finds the maximum of the likelihood`, () => {
    const found = unconstrained(values.map((value, at) => ({ value, censored: cut[at] === 1 })));
    near(found.mean, mean, 1e-5);
    near(found.variance, variance, 1e-3);
  });
}

Deno.test("unconstrained() without anything cut off is mean and sample variance", () => {
  const sales = [2, 4, 9].map((value) => ({ value, censored: false }));
  deepStrictEqual(unconstrained(sales), { mean: 5, variance: 13 });
  deepStrictEqual(momentsOf([2, 4, 9]), { mean: 5, variance: 13 });
});

Deno.test("unconstrained() where all is cut off knows no more than what was sold", () => {
  deepStrictEqual(unconstrained([{ value: 3, censored: true }, { value: 5, censored: true }]), {
    mean: 4,
    variance: 2,
  });
  deepStrictEqual(unconstrained([]), { mean: 0, variance: 0 });
});

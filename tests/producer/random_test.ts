import { equal, ok } from "node:assert/strict";
import { PURPOSE, randomKey, randomUint32, randomUnit, randomUuid } from "../../producer/random.ts";

Deno.test("randomUint32() depends on seed, name, purpose and index, and on nothing else", () => {
  const key = randomKey(1, "BA210_2025-11-28");
  const first = randomUint32(key, PURPOSE.acceptance, 7);
  for (let i = 0; i < 100; i++) randomUint32(key, PURPOSE.arrivalGap, i);
  equal(randomUint32(randomKey(1, "BA210_2025-11-28"), PURPOSE.acceptance, 7), first);
  const others = [
    randomUint32(randomKey(2, "BA210_2025-11-28"), PURPOSE.acceptance, 7),
    randomUint32(randomKey(1 + 2 ** 32, "BA210_2025-11-28"), PURPOSE.acceptance, 7),
    randomUint32(randomKey(1, "BA211_2025-11-28"), PURPOSE.acceptance, 7),
    randomUint32(key, PURPOSE.partySize, 7),
    randomUint32(key, PURPOSE.acceptance, 8),
  ];
  equal(new Set([first, ...others]).size, 6);
});

Deno.test("randomUnit() is even over (0, 1) and neighbours do not follow each other", () => {
  const key = randomKey(1, "UA1_2025-11-28");
  const count = 100_000;
  const bins = new Array<number>(20).fill(0);
  let sum = 0;
  let product = 0;
  let previous = 0.5;
  for (let i = 0; i < count; i++) {
    const u = randomUnit(key, PURPOSE.acceptance, i);
    ok(u > 0 && u < 1);
    bins[Math.floor(u * 20)]!++;
    sum += u;
    product += (u - 0.5) * (previous - 0.5);
    previous = u;
  }
  // Standard error of the mean: 0.289 / sqrt(100,000) = 0.0009.
  ok(Math.abs(sum / count - 0.5) < 0.004, `mean ${sum / count}`);
  // Chi-square with 19 degrees of freedom: above 43.8 once in 1,000.
  const chiSquare = bins.reduce((total, seen) => total + (seen - count / 20) ** 2 / (count / 20), 0);
  ok(chiSquare < 43.8, `chi-square ${chiSquare}`);
  ok(Math.abs(product / count / (1 / 12)) < 0.015, `correlation ${product / count * 12}`);
});

Deno.test("first draws of neighbouring flights are even too", () => {
  const bins = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) {
    bins[Math.floor(randomUnit(randomKey(1, `UA${i}_2025-11-28`), PURPOSE.demandLevel) * 10)]!++;
  }
  // Chi-square with 9 degrees of freedom: above 27.9 once in 1,000.
  const chiSquare = bins.reduce((total, seen) => total + (seen - 1000) ** 2 / 1000, 0);
  ok(chiSquare < 27.9, `chi-square ${chiSquare}`);
});

Deno.test("randomUuid() gives UUIDs of version 8 that do not meet", () => {
  const seen = new Set<string>();
  for (let flight = 0; flight < 200; flight++) {
    const key = randomKey(1, `UA${flight}_2025-11-28`);
    for (let i = 0; i < 500; i++) {
      const uuid = randomUuid(key, PURPOSE.bookingId, i);
      ok(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(uuid), uuid);
      seen.add(uuid);
    }
  }
  equal(seen.size, 100_000);
});

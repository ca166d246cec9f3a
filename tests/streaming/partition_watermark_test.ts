/** What is late, what may be forgotten, and when a partition waits for others. */

import { deepEqual, equal } from "node:assert/strict";
import { PartitionWatermark } from "../../streaming/partition_watermark.ts";

const MINUTE_MS = 60_000;
const T = Date.UTC(2025, 10, 24, 10);
const MANY = 200_000;

Deno.test("take() refuses what is more than ten minutes behind the newest, and nothing else", () => {
  const watermark = new PartitionWatermark(0, 3, 0);
  equal(watermark.take(T), true);
  equal(watermark.take(T - 10 * MINUTE_MS), true);
  equal(watermark.take(T - 10 * MINUTE_MS - 1), false);
  equal(watermark.take(T + MINUTE_MS), true);
  equal(watermark.take(T - 9 * MINUTE_MS - 1), false);
  equal(watermark.watermarkMs, T - 9 * MINUTE_MS);
});

Deno.test("received() takes each offset of another partition once, though it be passed on again", () => {
  const watermark = new PartitionWatermark(0, 3, 0);
  const taken = [5, 6, 9, 5, 6, 9, 10].map((offset) => watermark.received(1, offset, T, 0));
  deepEqual(taken, [true, true, true, false, false, false, true]);
  equal(watermark.received(2, 5, T, 0), true);
  const restored = new PartitionWatermark(0, 3, 0, watermark.stored());
  deepEqual([restored.received(1, 10, T, 0), restored.received(1, 11, T, 0)], [false, true]);
});

Deno.test("floor() is the watermark where nothing is passed on", () => {
  const watermark = new PartitionWatermark(0, 3, 0);
  watermark.take(T);
  deepEqual(watermark.floor(MANY, 0), { floorMs: T - 10 * MINUTE_MS, mustWait: false });
});

Deno.test("floor() keeps what partitions that pass on may still send", () => {
  const watermark = new PartitionWatermark(0, 2, 0);
  watermark.take(T);
  watermark.received(1, 0, T - 60 * MINUTE_MS, 0);
  deepEqual(watermark.floor(10, 1000), { floorMs: T - 70 * MINUTE_MS, mustWait: false });
});

Deno.test("floor() waits for a partition that lags only where much is kept, and not for one that is silent", () => {
  const watermark = new PartitionWatermark(0, 2, 0);
  watermark.take(T);
  watermark.received(1, 0, T - 60 * MINUTE_MS, 0);
  equal(watermark.floor(MANY, 1000).mustWait, true);
  // Silent for longer than 15 s: forgotten, until it says something again.
  deepEqual(watermark.floor(MANY, 16_000), { floorMs: T - 10 * MINUTE_MS, mustWait: false });
  watermark.received(1, 1, T - 59 * MINUTE_MS, 20_000);
  equal(watermark.floor(MANY, 21_000).mustWait, true);
  watermark.received(1, 2, T - 5 * MINUTE_MS, 22_000);
  deepEqual(watermark.floor(MANY, 22_000), { floorMs: T - 15 * MINUTE_MS, mustWait: false });
});

Deno.test("floor() expects something of every other partition where records were passed on from here", () => {
  const watermark = new PartitionWatermark(0, 3, 0);
  watermark.take(T);
  watermark.passedOn();
  equal(watermark.floor(10, 1000).floorMs, -Infinity);
  // Six hours at the most, and ten minutes, once they have been silent for long.
  equal(watermark.floor(10, 60_000).floorMs, T - 6 * 60 * MINUTE_MS - 10 * MINUTE_MS);
});

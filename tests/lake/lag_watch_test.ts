import assert from "node:assert/strict";
import { LagWatch } from "../../lake/lag_watch.ts";
import { lakeMetrics } from "../../lake/lake_metrics.ts";
import { Registry } from "../../process/metrics_server.ts";
import { ArrayLog, logIsAway } from "./_array_log.ts";
import { booking } from "./_lake_support.ts";

Deno.test("the lag is what is not read; marks of transactions count only until the log is seen to be quiet", async () => {
  const log = new ArrayLog({ bookings: 2 });
  for (let n = 0; n < 10; n++) log.put("bookings", n % 2, booking(n));
  log.addMarkers("bookings", 0, 1);
  const { lagRecords } = lakeMetrics(new Registry());
  let nowMs = 0;
  const watch = new LagWatch(log, lagRecords, () => nowMs);
  const lag = async () => (await lagRecords.get()).values.map(({ value }) => value);
  const positions = [0, 1].map((partition) => ({ topic: "bookings", partition, position: 3 }));
  // 6 - 3 and 5 - 3.
  assert.equal(await watch.check(positions), "busy");
  assert.deepEqual(await lag(), [5]);
  nowMs = 4999;
  assert.equal(await watch.check(positions), "not due");
  nowMs = 5000;
  watch.found();
  for (const place of positions) place.position = 5;
  assert.equal(await watch.check(positions), "busy");
  assert.deepEqual(await lag(), [1]);
  nowMs = 10_000;
  assert.equal(await watch.check(positions), "quiet");
  assert.deepEqual(await lag(), [0]);
  // The log grew, and nothing was read: a log that hands over nothing is behind, not quiet.
  log.put("bookings", 1, booking(10));
  nowMs = 15_000;
  assert.equal(await watch.check(positions), "busy");
  assert.deepEqual(await lag(), [2]);
  log.addPartition("bookings", 2);
  nowMs = 20_000;
  assert.equal(await watch.check(positions), "new partitions");
  log.beforeCall = logIsAway;
  nowMs = 25_000;
  await assert.rejects(watch.check(positions), { name: "LogUnavailableError" });
});

import { deepEqual } from "node:assert/strict";
import { ConsumerMetrics } from "../../streaming/consumer_metrics.ts";
import type { InventoryEngine } from "../../streaming/inventory_engine.ts";

const lagOf = async (metrics: ConsumerMetrics) =>
  (await metrics.registry.metrics()).split("\n").filter((line) => line.startsWith("consumer_lag_records{"));

Deno.test("the lag is what lies behind the positions, to the last offset", async () => {
  const metrics = new ConsumerMetrics();
  const place = { topic: "bookings", partition: 1 };
  // A partition that another consumer has is none of ours.
  const ranges = [{ ...place, start: 0, end: 13 }, { topic: "bookings", partition: 0, start: 0, end: 9 }];
  metrics.reached([{ ...place, offset: 10 }]);
  metrics.setLag(ranges);
  deepEqual(await lagOf(metrics), ['consumer_lag_records{topic="bookings",partition="1"} 3']);
  metrics.reached([{ ...place, offset: 13 }]);
  metrics.setLag(ranges);
  deepEqual(await lagOf(metrics), ['consumer_lag_records{topic="bookings",partition="1"} 0']);
  // Read on since the ends were asked for.
  metrics.reached([{ ...place, offset: 15 }]);
  metrics.setLag(ranges);
  deepEqual(await lagOf(metrics), ['consumer_lag_records{topic="bookings",partition="1"} 0']);
  metrics.closed(1, ["bookings"]);
  metrics.setLag(ranges);
  deepEqual(await lagOf(metrics), []);
});

Deno.test("a partition's event time is that of its newest event, and none before the first", async () => {
  const metrics = new ConsumerMetrics();
  const engineAt = (clockMs: number) =>
    ({ clockMs, flightsTracked: 0, eventsWaiting: 0, velocities: () => [] }) as unknown as InventoryEngine;
  metrics.engines.set(1, engineAt(-Infinity));
  metrics.engines.set(2, engineAt(1_764_000_000_500));
  const lines = (await metrics.registry.metrics()).split("\n");
  deepEqual(lines.filter((line) => line.startsWith("consumer_event_time_seconds{")), [
    'consumer_event_time_seconds{partition="2"} 1764000000.5',
  ]);
});

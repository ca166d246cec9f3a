/** From what was sold to a forecast: the ETL's curves come to the consumer, which decides by them, and all agrees. */

import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { BOOKING_CURVES_TOPIC, ENGINE_INPUT_TOPICS, GROUPS, LAKE_TOPICS } from "../../events/topics.ts";
import { bookingExample } from "../../events/bookings.ts";
import { flightLifecycleExample } from "../../events/flight_lifecycle.ts";
import { seatInventoryExample } from "../../events/seat_inventory.ts";
import type { NewRecord } from "../../event_log/event_log.ts";
import { pipelineTest } from "./_pipeline.ts";

const INPUTS = [...ENGINE_INPUT_TOPICS, "inventory-engine-repartition", BOOKING_CURVES_TOPIC];
const DAY_MS = 24 * 60 * 60 * 1000;
const at = (ms: number) => new Date(ms).toISOString();
const FIRST_MS = Date.parse("2026-03-01T14:00:00.000Z");

/** Flight `n` leaves `n` days after the first; it was on sale for 8 days. */
const idOf = (n: number) => `BA210_${at(FIRST_MS + n * DAY_MS).slice(0, 10)}`;

function scheduled(n: number): NewRecord {
  const event = {
    ...flightLifecycleExample,
    event_time: at(FIRST_MS + (n - 8) * DAY_MS),
    flight_id: idOf(n),
    scheduled_departure_time: at(FIRST_MS + n * DAY_MS),
    scheduled_arrival_time: at(FIRST_MS + n * DAY_MS + DAY_MS / 4),
    total_seats: 20,
  };
  return { topic: "flight_lifecycle", key: idOf(n), value: JSON.stringify(event) };
}

/** One seat, so many days before departure. */
function sold(n: number, daysBefore: number, bucket: string): NewRecord {
  const event = {
    ...bookingExample,
    event_time: at(FIRST_MS + (n - daysBefore) * DAY_MS),
    flight_id: idOf(n),
    booking_id: `${idOf(n)}-${daysBefore}`,
    fare_bucket: bucket,
  };
  return { topic: "bookings", key: idOf(n), value: JSON.stringify(event) };
}

/** Eight flights that sold ten of twenty seats, one every half day and most of them late. */
function history(): NewRecord[] {
  return Array.from({ length: 8 }, (_, n) => [
    scheduled(n),
    ...[6.9, 5.9, 4.9, 3.9, 2.9, 1.9, 1.4, 0.9, 0.4, 0.2].map((days, at) =>
      sold(n, days, at < 7 ? "K" : "Y")
    ),
  ]).flat();
}

/** A flight that leaves on the 12th day: two seats sold, seen on the 8th. */
function flightOnSale(): NewRecord[] {
  const snapshot = {
    ...seatInventoryExample,
    event_time: at(FIRST_MS + 8.5 * DAY_MS),
    flight_id: idOf(12),
    time_to_departure_minutes: 3.5 * 24 * 60,
  };
  return [
    scheduled(12),
    sold(12, 6.9, "K"),
    { topic: "seat_inventory", key: idOf(12), value: JSON.stringify(snapshot) },
  ];
}

pipelineTest(
  "the ETL's booking curves come to the consumer, which decides by them, and all agrees",
  async (pipeline) => {
    const start = () =>
      pipeline.start("consumer", [
        "--metrics-port",
        "0",
        "--session-timeout",
        pipeline.pair === "real" ? "6s" : "2s",
        "--policy",
        "FORECAST",
        "--target-load-factor",
        "0.7",
      ]);
    await pipeline.append(history());
    const consumer = start();
    const lake = pipeline.start("lake", ["--metrics-port", "0", "--seal-age", "1s"]);
    await lake.says("🪣 Lake ingestion started");
    await pipeline.caughtUp(GROUPS.engine, INPUTS);
    await pipeline.caughtUp(GROUPS.lake, [...LAKE_TOPICS]);
    strictEqual(await lake.stop(), 0, lake.output);
    for (let run = 0; run < 2; run++) {
      const etl = await pipeline.run("etl", ["--skip-warehouse"]);
      strictEqual(etl.code, 0, etl.output);
    }
    // The last booking is of the 8th of March: the 7th is over, and seven flights had left. Published once.
    const curves = await pipeline.values(BOOKING_CURVES_TOPIC);
    deepStrictEqual(curves.map(({ partition, key }) => `${partition} ${key!.split("/")[0]}`).sort(), [
      "0 *",
      "0 LHR-BOS",
      "1 *",
      "1 LHR-BOS",
      "2 *",
      "2 LHR-BOS",
    ]);
    strictEqual(JSON.parse(curves[0]!.value).version, "2026-03-07");
    await pipeline.caughtUp(GROUPS.engine, INPUTS);
    await pipeline.append(flightOnSale());
    await pipeline.caughtUp(GROUPS.engine, INPUTS);
    strictEqual(await consumer.stop(), 0, consumer.output);

    const own = (await pipeline.values("inventory_metrics")).map(({ value }) => JSON.parse(value))
      .filter(({ flight_id }) => flight_id === idOf(12));
    strictEqual(own.length, 2);
    strictEqual(own[1].curve_version, "2026-03-07");
    // Of twenty seats seven are sold in the last 4 days, six in the last 3; half way 0.325, beside the one that was sold.
    strictEqual(own[1].forecast_load_factor, 0.375);
    const decisions = (await pipeline.values("promo_decisions")).map(({ value }) => JSON.parse(value))
      .filter(({ flight_id }) => flight_id === idOf(12));
    strictEqual(decisions.length, 1);
    match(decisions[0].reason, /below the target 70 %/);
    strictEqual(decisions[0].policy, "FORECAST/1");
    const replay = await pipeline.run("replay", [
      "--json",
      "--compare",
      "--from-log",
      "--policy",
      "FORECAST",
      "--target-load-factor",
      "0.7",
    ]);
    strictEqual(replay.code, 0, replay.output);
    ok(JSON.parse(replay.piped).comparison.promo_decisions.equal >= 1);
    const story = await pipeline.run("explain", [idOf(12)]);
    match(
      story.piped,
      /By the booking curves of 2026-03-07 it is expected to leave with 37\.5 % of its seats\. It is below/,
    );
    match(story.piped, /promoted: \d+ % off, by FORECAST\/1/);
  },
);

/** Booking curves reach every partition's engine, survive its end, and a replay sees what the live run saw. */

import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { bookingRecords, flightRecords } from "../../bench/workload.ts";
import { bookingCurvesExample, bookingCurvesKey } from "../../events/booking_curves.ts";
import { BOOKING_CURVES_TOPIC, ENGINE_INPUT_TOPICS, GROUPS } from "../../events/topics.ts";
import type { NewRecord } from "../../event_log/event_log.ts";
import { pipelineTest } from "./_pipeline.ts";
import type { Pipeline } from "./_pipeline.ts";

const INPUTS = [...ENGINE_INPUT_TOPICS, "inventory-engine-repartition", BOOKING_CURVES_TOPIC];

/** One version of the curves of all routes in every partition; more pickup in later ones. */
function curves(version: string, pickup: number): NewRecord[] {
  const [curve] = bookingCurvesExample.curves;
  const event = {
    ...bookingCurvesExample,
    event_time: "2026-01-05T00:00:00.000Z",
    version,
    route: "*",
    curves: [{
      ...curve!,
      daypart: null,
      points: curve!.points.map((point) => ({ ...point, mean_pickup: point.days_before === 0 ? 0 : pickup })),
    }],
  };
  const value = JSON.stringify(event);
  return [0, 1, 2].map((partition) => ({
    topic: BOOKING_CURVES_TOPIC,
    partition,
    key: bookingCurvesKey(event),
    value,
  }));
}

/** By partition: the versions that metrics were made with, in their order, each once. */
async function versionsByPartition(pipeline: Pipeline): Promise<string[][]> {
  const versions: string[][] = [[], [], []];
  for (const { partition, value } of await pipeline.values("inventory_metrics")) {
    const { curve_version = "none" } = JSON.parse(value);
    if (versions[partition]!.at(-1) !== curve_version) versions[partition]!.push(curve_version);
  }
  return versions;
}

pipelineTest(
  "booking curves are known in all partitions, after a restart, and in a replay",
  async (pipeline) => {
    const bookings = [...bookingRecords(3_000)];
    const start = () =>
      pipeline.start("consumer", [
        "--metrics-port",
        "0",
        "--session-timeout",
        pipeline.pair === "real" ? "6s" : "2s",
      ]);
    await pipeline.append([...flightRecords(), ...bookings.slice(0, 1_000)]);
    let consumer = start();
    await pipeline.caughtUp(GROUPS.engine, INPUTS);
    await pipeline.append(curves("2026-01-03", 0.4));
    await pipeline.caughtUp(GROUPS.engine, INPUTS);
    await pipeline.append(bookings.slice(1_000, 2_000));
    await pipeline.caughtUp(GROUPS.engine, INPUTS);
    await consumer.kill();
    await pipeline.append(curves("2026-01-04", 0.5));
    // An older version that comes late, one that is none, and one that is torn.
    await pipeline.append([
      ...curves("2026-01-02", 0.1),
      {
        topic: BOOKING_CURVES_TOPIC,
        partition: 0,
        key: "x",
        value: '{"event_type":"BookingCurvesPublished"}',
      },
      { topic: BOOKING_CURVES_TOPIC, partition: 1, key: "y", value: "{torn" },
    ]);
    consumer = start();
    await pipeline.caughtUp(GROUPS.engine, INPUTS);
    await consumer.kill();
    consumer = start();
    await pipeline.append(bookings.slice(2_000));
    await pipeline.caughtUp(GROUPS.engine, INPUTS);
    strictEqual(await consumer.stop(), 0, consumer.output);

    deepStrictEqual(
      await versionsByPartition(pipeline),
      [0, 1, 2].map(() => ["none", "2026-01-03", "2026-01-04"]),
    );
    const letters = (await pipeline.values("dead_letters")).map(({ value }) => JSON.parse(value));
    deepStrictEqual(letters.map(({ topic, reason }) => [topic, reason]).sort(), [
      [BOOKING_CURVES_TOPIC, "invalid_json"],
      [BOOKING_CURVES_TOPIC, "missing_field"],
    ]);
    const { code, output, piped } = await pipeline.run("replay", ["--json", "--compare", "--from-log"]);
    strictEqual(code, 0, output);
    const { comparison } = JSON.parse(piped);
    strictEqual(comparison.inventory_metrics.equal, 3_000);
    strictEqual(comparison.agrees, true);

    const flightId = bookings[0]!.key!;
    const story = await pipeline.run("explain", [flightId]);
    strictEqual(story.code, 0, story.output);
    match(story.piped, new RegExp(`^${flightId}: LHR to BOS, leaves 2026-01-0`));
    match(story.piped, /By the booking curves of 2026-01-04 it is expected to leave with/);
    match(story.piped, /No policy came near a promotion\. It stands at/);
    const unknown = await pipeline.run("explain", ["XX1_2026-01-06"]);
    strictEqual(unknown.code, 1);
    match(unknown.output, /The log knows no flight "XX1_2026-01-06"/);
  },
);

/** What is counted, passed on and refused. */

import { deepEqual, equal, match } from "node:assert/strict";
import type { LogRecord } from "../../event_log/event_log.ts";
import { partitionOf } from "../../event_log/partitioner.ts";
import { streamEventExample } from "../../events/stream_events.ts";
import { ViewerIntake } from "../../streaming/_viewer_intake.ts";
import { PartitionWatermark } from "../../streaming/partition_watermark.ts";
import { ViewerStateWriter } from "../../streaming/viewer_state_chunk.ts";
import { ViewerWindows } from "../../streaming/viewer_windows.ts";

const T = Date.UTC(2025, 10, 24, 10);
const MINUTE_MS = 60_000;
const TOPIC = "stream.events";
const STREAM = "s1";
const HOME = partitionOf(STREAM, 3);
const AWAY = (HOME + 1) % 3;

/** One partition's intake, as its task uses it. */
function intakeOf(partition: number) {
  const windows = new ViewerWindows();
  const watermark = new PartitionWatermark(partition, 3, 0);
  const intake = new ViewerIntake(windows, watermark, new ViewerStateWriter(), {
    topic: TOPIC,
    partition,
    partitions: 3,
    repartitionTopic: "viewer-metrics-repartition",
    repartitionPartitions: 3,
    eventLeadMsMax: Infinity,
  });
  return { windows, watermark, intake };
}

function record(partition: number, offset: number, timeMs: number): LogRecord {
  const event = {
    ...streamEventExample,
    event_type: "viewer_join",
    stream_id: STREAM,
    user_id: `u${offset}`,
    ts: new Date(timeMs).toISOString(),
  };
  return {
    topic: TOPIC,
    partition,
    offset,
    key: null,
    value: JSON.stringify(event),
    headers: {},
    timestampMs: timeMs,
  };
}

Deno.test("an event on time where it landed is late where its minute is final, and counts as late once", () => {
  const away = intakeOf(AWAY);
  away.intake.takeOwn(record(AWAY, 0, T), 0);
  away.intake.takeOwn(record(AWAY, 1, T - 5 * MINUTE_MS), 0);
  equal(away.intake.inputs.refusals.length, 0);
  const passedOn = away.intake.inputs.passedOn.map((given, offset): LogRecord => ({
    topic: given.topic,
    partition: given.partition!,
    offset,
    key: given.key ?? null,
    value: given.value!,
    headers: given.headers ?? {},
    timestampMs: T,
  }));
  equal(passedOn.length, 2);

  // Where it is counted an hour has gone by, and the other partition was silent for too long to be waited for.
  const home = intakeOf(HOME);
  home.windows.advance(T + 60 * MINUTE_MS);
  home.windows.trim(T - MINUTE_MS);
  for (const each of passedOn) home.intake.takePassedOn(each, 0);
  // Passed on again after a crash: neither counted nor refused again.
  for (const each of passedOn) home.intake.takePassedOn(each, 0);
  const { counted, duplicates, refusals } = home.intake.inputs;
  deepEqual([counted, duplicates], [1, 0]);
  deepEqual(
    refusals.map(({ record, reason }) => [record.topic, record.partition, record.offset, reason]),
    [[TOPIC, AWAY, 1, "late"]],
  );
  match(refusals[0]!.message, /on time where it landed/);
});

Deno.test("an event that is late where it landed is refused there and never passed on", () => {
  const { intake } = intakeOf(AWAY);
  intake.takeOwn(record(AWAY, 0, T), 0);
  intake.takeOwn(record(AWAY, 1, T - 10 * MINUTE_MS - 1), 0);
  deepEqual(intake.inputs.refusals.map(({ record, reason }) => [record.offset, reason]), [[1, "late"]]);
  match(intake.inputs.refusals[0]!.message, /the watermark of its partition/);
  equal(intake.inputs.passedOn.length, 1);
});

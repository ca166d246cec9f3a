/** Viewer metrics as a process, under load and faults: the table must be that of the slow reference. */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { DeadLetter } from "../../events/dead_letters.ts";
import { parseStreamEvent } from "../../events/stream_events.ts";
import type { StreamEvent } from "../../events/stream_events.ts";
import type { NewRecord } from "../../event_log/event_log.ts";
import { partitionOf } from "../../event_log/partitioner.ts";
import { StreamMix } from "../../producer/stream_mix.ts";
import { openWarehouse } from "../../warehouse/connect.ts";
import { referenceWindows } from "../streaming/_viewer_reference.ts";
import { makeWarehouseFolder } from "../warehouse/_warehouse_support.ts";
import { eventually, freePort, pipelineTest } from "./_pipeline.ts";
import type { Part, Pipeline } from "./_pipeline.ts";

const TOPIC = "stream.events";
const START_MS = Date.UTC(2025, 10, 24, 10);

/** Brokers take no session timeout below 6 s; the embedded log does, and a killed member is missed sooner. */
function startViewerMetrics(pipeline: Pipeline, args: string[] = []): Part {
  const sessionTimeout = pipeline.pair === "real" ? "6s" : "2s";
  return pipeline.start("viewer-metrics", [
    "--metrics-port",
    "0",
    "--session-timeout",
    sessionTimeout,
    "--idle-timeout",
    "1s",
    ...args,
  ]);
}

/** The published mix with trouble in it: duplicates, events out of order, and late ones. */
function troubledEvents(count: number): StreamEvent[] {
  const mix = new StreamMix({ seed: 7, streams: 9, users: 60, startMs: START_MS, eventsPerSecond: 10 });
  const events: StreamEvent[] = [];
  for (let n = 0; n < count; n++) {
    const event = mix.event(n);
    if (n % 10 === 3) events.push({ ...event, ts: shifted(event.ts, -9 * 60_000) });
    else if (n % 50 === 7) events.push({ ...event, ts: shifted(event.ts, -45 * 60_000) });
    else events.push(event);
    if (n % 20 === 5) events.push(events[Math.max(0, events.length - 40)]!);
  }
  return events;
}

function shifted(ts: string, byMs: number): string {
  return new Date(Date.parse(ts) + byMs).toISOString();
}

/** As our senders do: keyed by stream. */
function keyed(events: StreamEvent[]): NewRecord[] {
  return events.map((event) => ({ topic: TOPIC, key: event.stream_id, value: JSON.stringify(event) }));
}

/** Asks the database, embedded or not. */
async function ask<T>(pipeline: Pipeline, query: string): Promise<T[]> {
  const given = pipeline.env.DATABASE_URL;
  const url = given ?? `postgres://airline:airline@127.0.0.1:${pipeline.env.WAREHOUSE_PORT}/airline_dw`;
  const warehouse = await openWarehouse({
    url,
    embedded: given === undefined,
    applicationName: "test",
    max: 1,
  });
  try {
    return [...await warehouse.sql.unsafe(query)] as unknown as T[];
  } finally {
    await warehouse.close();
  }
}

/** The database of the pair, until the test ends. */
async function withDatabase(pipeline: Pipeline, body: () => Promise<void>): Promise<void> {
  if (pipeline.pair === "real") return await body();
  // A copy of one that is made once: making one takes seconds.
  await Deno.rename(await makeWarehouseFolder(), pipeline.env.WAREHOUSE_DIR!);
  const warehouse = pipeline.start("warehouse");
  await warehouse.says("Embedded warehouse ready", 60_000);
  try {
    await body();
  } finally {
    await warehouse.stop();
  }
}

/** Waits until every record that was appended is counted, and what was passed on as well. */
async function caughtUp(pipeline: Pipeline): Promise<void> {
  await eventually("viewer metrics caught up", async () => {
    const ranges = await pipeline.log.ranges([TOPIC, "viewer-metrics-repartition"]);
    const rows = await ask<{ partition: number; next_offset: number; repartition_offset: number }>(
      pipeline,
      "select partition, next_offset, repartition_offset from realtime.viewer_partition",
    );
    // A marker of a transaction may stand at a partition's end on Kafka; none of ours do here.
    return ranges.every(({ topic, partition, start, end }) => {
      const row = rows.find((row) => row.partition === partition);
      const offset = topic === TOPIC ? row?.next_offset : row?.repartition_offset;
      return (offset ?? start) >= end;
    });
  }, 120_000);
  // What one has passed on just now, the others have yet to take.
  await new Promise((resolve) => setTimeout(resolve, 500));
}

/** The table and the dead letters, against the reference over what each partition of the log holds. */
async function assertAsReference(pipeline: Pipeline): Promise<void> {
  const expected = new Map<string, unknown>();
  const expectedPresent = new Map<string, number>();
  const expectedLate = new Set<string>();
  const records = (await pipeline.values(TOPIC)).map((record) => ({
    ...record,
    event: parseStreamEvent({ topic: TOPIC, value: record.value, timestampMs: Date.now() }),
  }));
  const byPartition = Map.groupBy(records, (record) => record.partition);
  for (const [partition, records] of byPartition) {
    // Streams are counted in their own partition, and event time goes on there by what else is in it.
    const home = partitionOf(records[0]!.event.streamId, 3);
    const clockMs = Math.max(...byPartition.get(home)!.map(({ event }) => event.eventTimeMs));
    const reference = referenceWindows(records.map(({ event }) => event), { clockMs });
    for (const [key, { activeViewers, chatMessages, donatedCents }] of reference.rows) {
      expected.set(key, [activeViewers, chatMessages, donatedCents / 100]);
    }
    for (const [stream, viewers] of reference.present) expectedPresent.set(stream, viewers);
    for (const at of reference.late) {
      expectedLate.add(`viewer-metrics-${TOPIC}-${partition}-${records[at]!.offset}`);
    }
  }
  const rows = await ask<Record<string, number | string | Date>>(
    pipeline,
    `select extract(epoch from window_start)::bigint / 60 as minute, extract(epoch from window_end - window_start)::integer as seconds,
       stream_id, active_viewers, chat_messages, donations_usd from realtime.stream_metrics_minute`,
  );
  const found = new Map(rows.map((row) => {
    strictEqual(row.seconds, 60);
    return [`${row.stream_id} ${row.minute}`, [row.active_viewers, row.chat_messages, row.donations_usd]];
  }));
  deepStrictEqual(sorted(found), sorted(expected));
  const states = await ask<{ stream_id: string; active_viewers: number }>(
    pipeline,
    "select stream_id, active_viewers from realtime.stream_state",
  );
  deepStrictEqual(
    sorted(new Map(states.map((row) => [row.stream_id, row.active_viewers]))),
    sorted(expectedPresent),
  );
  const letters = (await pipeline.values("dead_letters")).map(({ value }) => JSON.parse(value) as DeadLetter);
  for (const letter of letters) {
    deepStrictEqual([letter.reason, letter.topic], ["late", TOPIC], letter.message);
  }
  deepStrictEqual(
    [...new Set(letters.map((letter) => letter.dead_letter_id))].sort(),
    [...expectedLate].sort(),
  );
}

function sorted<T>(map: Map<string, T>): [string, T][] {
  return [...map].sort(([a], [b]) => a < b ? -1 : 1);
}

pipelineTest(
  "viewer metrics that are killed again and again store each minute as the reference has it",
  (pipeline) =>
    withDatabase(pipeline, async () => {
      const records = keyed(troubledEvents(24_000));
      ok(records.length > 24_000);
      const rounds = 6;
      let appended = 0;
      for (let round = 0; round < rounds; round++) {
        const viewers = startViewerMetrics(pipeline, ["--commit-interval", "50ms"]);
        await viewers.says("Partition");
        while (appended < records.length * (round + 1) / rounds) {
          await pipeline.append(records.slice(appended, appended + 500));
          appended += 500;
        }
        await new Promise((resolve) => setTimeout(resolve, 41 * round));
        await viewers.kill();
      }
      const viewers = startViewerMetrics(pipeline);
      await caughtUp(pipeline);
      await eventually("quiet streams are complete", async () => {
        const [row] = await ask<{ all: boolean }>(
          pipeline,
          'select bool_and(complete) as "all" from realtime.stream_metrics_minute',
        );
        return row!.all;
      });
      strictEqual(await viewers.stop(), 0);
      await assertAsReference(pipeline);
    }),
);

pipelineTest(
  "two viewer metrics share the work, and one goes on where the other was killed",
  (pipeline) =>
    withDatabase(pipeline, async () => {
      const records = keyed(troubledEvents(15_000));
      const first = startViewerMetrics(pipeline);
      await first.says("Partition 2");
      await pipeline.append(records.slice(0, 4_000));
      const second = startViewerMetrics(pipeline);
      await second.says("Partition");
      await pipeline.append(records.slice(4_000, 11_000));
      await first.kill();
      await pipeline.append(records.slice(11_000));
      await caughtUp(pipeline);
      strictEqual(await second.stop(), 0);
      await assertAsReference(pipeline);
    }),
);

pipelineTest(
  "records in other partitions than their stream's are passed on and counted once, late or not where they landed",
  (pipeline) =>
    withDatabase(pipeline, async () => {
      // As senders with another partitioner do: a stream's records stand together, in a partition that is not its own.
      const away = keyed(troubledEvents(9_000)).map((record) => ({
        ...record,
        key: null,
        partition: (partitionOf(record.key!, 3) + 1) % 3,
      }));
      await pipeline.append(away.slice(0, 3_000));
      for (let round = 0; round < 3; round++) {
        const viewers = startViewerMetrics(pipeline, ["--commit-interval", "20ms"]);
        await viewers.says("Partition");
        await pipeline.append(away.slice(3_000 + round * 2_000, 5_000 + round * 2_000));
        await new Promise((resolve) => setTimeout(resolve, 150 + 90 * round));
        await viewers.kill();
      }
      const viewers = startViewerMetrics(pipeline);
      await caughtUp(pipeline);
      await caughtUp(pipeline);
      strictEqual(await viewers.stop(), 0);
      await assertAsReference(pipeline);
    }),
);

pipelineTest(
  "a stopped process that wakes up after another took over stores nothing",
  (pipeline) =>
    withDatabase(pipeline, async () => {
      const records = keyed(troubledEvents(12_000));
      const first = startViewerMetrics(pipeline, ["--commit-interval", "20ms"]);
      await first.says("Partition 2");
      await pipeline.append(records.slice(0, 4_000));
      await new Promise((resolve) => setTimeout(resolve, 100));
      await pipeline.freeze(first);
      await pipeline.append(records.slice(4_000, 8_000));
      const second = startViewerMetrics(pipeline);
      // The embedded warehouse cuts the stopped one's transactions off one by one.
      await second.says("Partition 2", 120_000);
      await pipeline.append(records.slice(8_000));
      first.signal("SIGCONT");
      await caughtUp(pipeline);
      strictEqual(await second.stop(), 0);
      strictEqual(await first.stop(), 0);
      await assertAsReference(pipeline);
    }),
);

pipelineTest(
  "what is no event is a dead letter with its place, and stops nothing",
  (pipeline) =>
    withDatabase(pipeline, async () => {
      const good = keyed(troubledEvents(50).slice(0, 1));
      const port = freePort();
      const viewers = startViewerMetrics(pipeline, ["--metrics-port", String(port)]);
      await viewers.says("Partition 2");
      await pipeline.append([
        { topic: TOPIC, partition: 0, key: null, value: "{" },
        { topic: TOPIC, partition: 0, key: null, value: null },
        { topic: TOPIC, partition: 1, key: "x", value: JSON.stringify({ event_type: "viewer_join" }) },
        ...good,
      ]);
      await caughtUp(pipeline);
      const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      ok(page.includes('viewer_dead_letters_total{reason="invalid_json"} 1'), page);
      strictEqual(await viewers.stop(), 0);
      const letters = (await pipeline.values("dead_letters")).map(({ value }) =>
        JSON.parse(value) as DeadLetter
      );
      deepStrictEqual(
        letters.map(({ dead_letter_id, reason }) => [dead_letter_id, reason]).sort(),
        [
          ["viewer-metrics-stream.events-0-0", "invalid_json"],
          ["viewer-metrics-stream.events-0-1", "empty_value"],
          ["viewer-metrics-stream.events-1-0", "missing_field"],
        ],
      );
      const [row] = await ask<{ rows: number }>(
        pipeline,
        "select count(*) as rows from realtime.stream_metrics_minute",
      );
      strictEqual(row!.rows, 1);
    }),
);

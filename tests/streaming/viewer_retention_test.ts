/** Old minute windows are let go of; what comes of them afterwards is late. */

import { deepEqual, equal } from "node:assert/strict";
import type { DeadLetter } from "../../events/dead_letters.ts";
import type { EventLog, NewRecord } from "../../event_log/event_log.ts";
import { partitionOf } from "../../event_log/partitioner.ts";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";
import { streamEventExample } from "../../events/stream_events.ts";
import { ALL_TOPICS } from "../../events/topics.ts";
import { ViewerRetention } from "../../streaming/viewer_retention.ts";
import { ViewerStore } from "../../streaming/viewer_store.ts";
import { runViewerTask } from "../../streaming/viewer_task.ts";
import type { Database } from "../../warehouse/asked_database.ts";
import type { Sql } from "../../warehouse/connect.ts";
import { prepareRealtime } from "../../warehouse/realtime.ts";
import { onEachWarehouse } from "../warehouse/_warehouse_support.ts";

const NOW = Date.UTC(2025, 10, 24, 10);
const DAY_MS = 86_400_000;
const RETENTION_MS = 90 * DAY_MS;
const TOPIC = "stream.events";

/** A stream of each of the three partitions. */
const STREAMS = [0, 1, 2].map((partition) => {
  for (let n = 0;; n++) if (partitionOf(`s${n}`, 3) === partition) return `s${n}`;
});

function joined(streamId: string, timeMs: number, userId = "u1"): NewRecord {
  const event = {
    ...streamEventExample,
    event_type: "viewer_join",
    event_id: crypto.randomUUID(),
    ts: new Date(timeMs).toISOString(),
    stream_id: streamId,
    user_id: userId,
  };
  return { topic: TOPIC, key: streamId, value: JSON.stringify(event) };
}

/** Viewer metrics over a log and a database, in this process. */
interface Counting {
  sql: Sql;
  log: EventLog;
  retention: ViewerRetention;
  append(...records: NewRecord[]): Promise<void>;
  /** Counts until the condition holds. */
  countUntil(what: string, condition: () => Promise<boolean>): Promise<void>;
  windows(): Promise<string[]>;
  cuts(): Promise<(number | null)[]>;
}

async function withCounting(sql: Sql, body: (counting: Counting) => Promise<void>): Promise<void> {
  await prepareRealtime(sql, "realtime");
  const folder = await Deno.makeTempDir({ prefix: "airline-retention-" });
  const log = await openSqliteEventLog({ file: `${folder}/log.sqlite` });
  try {
    await log.createTopics([...ALL_TOPICS]);
    const appender = await log.appender();
    const database: Database = { ask: (question) => question(sql) };
    const retention = new ViewerRetention(database, {
      schema: "realtime",
      logId: log.logId,
      partitions: 3,
      retentionMs: RETENTION_MS,
      portionRows: 2,
      pauseMs: 0,
    });
    const store = new ViewerStore(database, "realtime", log.logId);
    await body({
      sql,
      log,
      retention,
      append: async (...records) => void await appender.append(records),
      async countUntil(what, condition) {
        const stop = new AbortController();
        const member = await log.member({ group: "viewer-metrics", topics: [TOPIC] });
        const running = member.run((assigned, signal) =>
          runViewerTask(assigned, signal, {
            log,
            store,
            group: "viewer-metrics",
            topic: TOPIC,
            partitions: 3,
            repartitionTopic: "viewer-metrics-repartition",
            repartitionPartitions: 3,
            eventLeadMsMax: Infinity,
            commitIntervalMs: 1,
            retention,
          }), { signal: stop.signal });
        try {
          const deadline = performance.now() + 120_000;
          while (!await condition()) {
            if (performance.now() > deadline) throw new Error(`Not within 120 s: ${what}`);
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        } finally {
          stop.abort();
          await running;
          await member.close();
        }
      },
      async windows() {
        const rows = await sql`
          select stream_id, window_start from realtime.stream_metrics_minute order by window_start, stream_id`;
        return rows.map((row) => `${row.stream_id} ${(row.window_start as Date).toISOString()}`);
      },
      async cuts() {
        const rows = await sql`select progress from realtime.viewer_partition order by partition`;
        return rows.map(({ progress }) => JSON.parse(progress as string).cutMs ?? null);
      },
    });
    await appender.close();
  } finally {
    await log.close();
    await Deno.remove(folder, { recursive: true });
  }
}

onEachWarehouse(
  "windows beyond the retention go, also those of a partition that has long been silent, and what comes of them then is late",
  async (database) => {
    const warehouse = await database.open(4);
    try {
      await withCounting(
        warehouse.sql,
        async ({ sql, log, retention, append, countUntil, windows, cuts }) => {
          const [silent, busy] = STREAMS as [string, string, string];
          const oldMs = NOW - 100 * DAY_MS;
          await append(joined(silent, oldMs), joined(busy, oldMs), joined(busy, NOW));
          // Nobody leaves, so a session ends after 30 minutes, or where event time is in its partition: 1 and 30 windows, and
          // one of who has just come.
          await countUntil("all windows are there", async () => (await windows()).length >= 32);
          const before = await windows();

          // Two partitions have not stored yet that they take nothing of that time any more.
          deepEqual(await retention.sweep(), { windows: 0, streams: 0 });
          equal(retention.horizonMs, NOW - RETENTION_MS);
          deepEqual(await windows(), before);
          await countUntil("every partition has stored where it is", async () => {
            return (await cuts()).every((cutMs) => cutMs !== null && cutMs >= retention.horizonMs);
          });
          await sql`update realtime.stream_state set updated_at = now() - interval '2 hours'`;
          const expired = (await windows()).filter((row) => !row.endsWith(new Date(NOW).toISOString()));
          deepEqual(await retention.sweep(), { windows: expired.length, streams: 1 });
          deepEqual(await windows(), [`${busy} ${new Date(NOW).toISOString()}`]);
          deepEqual((await sql`select stream_id from realtime.stream_state`).map((row) => row.stream_id), [
            busy,
          ]);

          // On time where it landed, ten minutes behind its partition's newest at the most; but of a minute that is gone.
          await append(joined(silent, oldMs + 60_000, "u2"), joined(silent, retention.horizonMs, "u3"));
          await countUntil("the last one is counted", async () => (await windows()).length > 1);
          deepEqual(await windows(), [
            `${silent} ${new Date(retention.horizonMs).toISOString()}`,
            `${busy} ${new Date(NOW).toISOString()}`,
          ]);
          const letters: DeadLetter[] = [];
          const reader = await log.reader({
            positions: [0, 1, 2].map((partition) => ({ topic: "dead_letters", partition, offset: 0 })),
          });
          for (const { records } of await reader.poll({ maxWaitMs: 0 })) {
            for (const { value } of records) letters.push(JSON.parse(value!));
          }
          await reader.close();
          deepEqual(letters.map(({ dead_letter_id, reason }) => [dead_letter_id, reason]), [
            [`viewer-metrics-${TOPIC}-0-1`, "late"],
          ]);
        },
      );
    } finally {
      await warehouse.close();
    }
  },
);

onEachWarehouse(
  "an empty table has no horizon, and windows of a log that no partition has begun stay",
  async (database) => {
    const warehouse = await database.open(4);
    try {
      await withCounting(warehouse.sql, async ({ sql, retention, windows }) => {
        deepEqual(await retention.sweep(), { windows: 0, streams: 0 });
        equal(retention.horizonMs, -Infinity);
        for (const ms of [NOW - 200 * DAY_MS, NOW]) {
          await sql`insert into realtime.stream_metrics_minute (window_start, window_end, stream_id)
          values (${new Date(ms)}, ${new Date(ms + 60_000)}, 's')`;
        }
        deepEqual(await retention.sweep(), { windows: 0, streams: 0 });
        equal((await windows()).length, 2);
      });
    } finally {
      await warehouse.close();
    }
  },
);

/** Counts viewers, chat messages and donations by minute, exactly once, into a database. `deno task viewer-metrics`. */

import { GROUPS, STREAM_EVENTS_TOPIC } from "../events/topics.ts";
import { FencedError, ReplacedTopicError, UnknownTopicError } from "../event_log/event_log.ts";
import type { EventLog, GroupMember } from "../event_log/event_log.ts";
import { parseCommandLine } from "../process/command_line.ts";
import { logger } from "../process/logger.ts";
import { serveMetrics } from "../process/metrics_server.ts";
import { openEventLog } from "../process/open_event_log.ts";
import { OperatorError, runProcess } from "../process/run_process.ts";
import { maxEventLeadMs, realtimeDatabase } from "../process/settings.ts";
import { openWarehouse, WarehouseUnavailableError } from "../warehouse/connect.ts";
import type { Warehouse } from "../warehouse/connect.ts";
import { prepareRealtime } from "../warehouse/realtime.ts";
import { watchLag } from "./lag_watch.ts";
import { notReadyReason } from "./readiness.ts";
import { ViewerGauges } from "./viewer_gauges.ts";
import { ViewerStore } from "./viewer_store.ts";
import { runViewerTask } from "./viewer_task.ts";

const REPARTITION_TOPIC = "viewer-metrics-repartition";
const DATABASE_RETRY_MS = 2000;

const COMMAND_LINE = {
  usage: "deno task viewer-metrics",
  description: "Counts viewers, chat messages and donations of each stream by minute, each exactly once.",
  options: {
    "idle-timeout": {
      type: "duration",
      default: "60s",
      minMs: 1000,
      description: "The newest minute of a stream that is silent for so long counts as complete",
    },
    "commit-interval": {
      type: "duration",
      default: "200ms",
      minMs: 1,
      description: "Windows, state and offsets are stored at least this often",
    },
    "session-timeout": {
      type: "duration",
      default: "10s",
      minMs: 1000,
      description: "Silence after which another one takes over this one's partitions",
    },
    "reset-state": {
      type: "flag",
      description: "Empties the tables first and counts what the log still holds anew",
    },
    "metrics-port": {
      type: "number",
      value: "PORT",
      default: 8005,
      min: 0,
      max: 65535,
      integer: true,
      description: "Port of /metrics, /healthz and /readyz; 0 picks a free one",
    },
  },
  notes: [
    "Several share the work: start another with --metrics-port 0.",
    "Tables stream_metrics_minute and stream_state are in schema realtime beside the warehouse, or in the database of",
    "REALTIME_DATABASE_URL. An event more than 10 minutes behind the newest of its partition is a dead letter: late.",
  ],
} as const;

await runProcess(async (signal) => {
  const { values } = parseCommandLine(COMMAND_LINE, Deno.args);
  const eventLeadMsMax = maxEventLeadMs();
  const gauges = new ViewerGauges({ own: STREAM_EVENTS_TOPIC, repartition: REPARTITION_TOPIC });
  let notReady: string | undefined = "The event log is not open yet";
  let member: GroupMember | undefined;
  const server = serveMetrics({
    port: values["metrics-port"],
    registry: gauges.registry,
    notReady: () =>
      notReady ?? notReadyReason({
        members: member === undefined ? undefined : [member],
        restored: new Set(gauges.windows.keys()),
      }),
  });
  const log = await openEventLog("viewer-metrics");
  let warehouse: Warehouse | undefined;
  try {
    const { partitions, repartitionPartitions } = await inputTopics(log);
    notReady = "The database does not answer";
    const { schema, ...database } = realtimeDatabase();
    warehouse = await openWhenThere(database, signal);
    if (warehouse === undefined) return;
    await prepareRealtime(warehouse.sql, schema);
    const store = new ViewerStore(warehouse.sql, schema, log.logId);
    if (values["reset-state"]) await store.reset();
    logger.info("👀 Viewer metrics started");
    logger.info(`   ${schema} on ${log.engine}, metrics on http://127.0.0.1:${server.port}/metrics`);
    notReady = undefined;
    member = await log.member({
      group: GROUPS.viewerMetrics,
      topics: [STREAM_EVENTS_TOPIC],
      sessionTimeoutMs: values["session-timeout"],
      maxBytes: 1 << 20,
    });
    await countUntilStopped(signal, { member, gauges }, {
      log,
      store,
      group: GROUPS.viewerMetrics,
      topic: STREAM_EVENTS_TOPIC,
      partitions,
      repartitionTopic: REPARTITION_TOPIC,
      repartitionPartitions,
      eventLeadMsMax,
      commitIntervalMs: values["commit-interval"],
      idleTimeoutMs: values["idle-timeout"],
    });
    logger.info("Viewer metrics stopped; what was counted is stored");
  } finally {
    await log.close();
    await warehouse?.close();
    await server.close();
  }
});

/** Owns its share of the partitions until it is to stop. */
async function countUntilStopped(
  signal: AbortSignal,
  { member, gauges }: { member: GroupMember; gauges: ViewerGauges },
  options: Parameters<typeof runViewerTask>[2],
): Promise<void> {
  const { log, topic } = options;
  const end = new AbortController();
  let fatal: Error | undefined;
  const stopWatchingLag = watchLag(log, [topic, options.repartitionTopic], gauges);
  const onError = (error: unknown, partition: number): void => {
    // Going on would count with offsets, or streams, that mean something else now.
    if (error instanceof ReplacedTopicError || error instanceof OperatorError) {
      fatal = error;
      end.abort();
      return;
    }
    if (error instanceof FencedError) {
      logger.info(`Partition ${partition} went to another one`);
      return;
    }
    const what = error instanceof Error ? error.message : String(error);
    logger.warn(
      partition < 0
        ? `The consumer group begins again: ${what}`
        : `Partition ${partition} begins again: ${what}`,
    );
  };
  try {
    await member.run((assigned, taskSignal) =>
      runViewerTask(assigned, taskSignal, {
        ...options,
        observer: {
          restored({ partition, windows, lostRecords, durationMs }) {
            gauges.windows.set(partition, windows);
            logger.info(
              `Partition ${partition}: ${windows.streams} streams (${windows.size} state entries restored in ${
                durationMs.toFixed(0)
              } ms)`,
            );
            if (lostRecords === 0) return;
            gauges.lost(lostRecords);
            logger.warn(
              `${lostRecords} records of ${topic}/${partition} are gone from the log: its retention removed them before they were counted. Keep viewer metrics running, or raise the retention`,
            );
          },
          committed: (info) => gauges.committed(info),
          closed: (partition) => gauges.closed(partition),
        },
      }), { signal: AbortSignal.any([signal, end.signal]), onError });
  } finally {
    stopWatchingLag();
    await member.close();
  }
  if (fatal !== undefined) throw fatal;
}

async function inputTopics(log: EventLog): Promise<{ partitions: number; repartitionPartitions: number }> {
  const counts = new Map((await log.listTopics()).map(({ name, partitions }) => [name, partitions]));
  const missing = [STREAM_EVENTS_TOPIC, REPARTITION_TOPIC, "dead_letters"].filter((topic) =>
    !counts.has(topic)
  );
  if (missing.length > 0) {
    throw new UnknownTopicError(
      `The log has no topic ${missing.join(", ")}. Create the topics with: deno task topics`,
    );
  }
  await log.checkIdentity([STREAM_EVENTS_TOPIC, REPARTITION_TOPIC]);
  return {
    partitions: counts.get(STREAM_EVENTS_TOPIC)!,
    repartitionPartitions: counts.get(REPARTITION_TOPIC)!,
  };
}

/** Opens the database, trying again until it answers; `undefined` where it is to stop first. */
async function openWhenThere(
  database: { url: string; embedded: boolean },
  signal: AbortSignal,
): Promise<Warehouse | undefined> {
  for (let told = false; !signal.aborted;) {
    try {
      const opened = await openWarehouse({ ...database, applicationName: "airline-viewer-metrics", max: 4 });
      if (told) logger.info("The database answers, going on");
      return opened;
    } catch (error) {
      if (!(error instanceof WarehouseUnavailableError)) throw error;
      if (!told) logger.warn(`${error.message}; trying again until it answers`);
      told = true;
    }
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, DATABASE_RETRY_MS);
      signal.addEventListener("abort", done);
    });
  }
  return undefined;
}

/** Counts viewers, chat messages and donations by minute, exactly once, into a database. `deno task viewer-metrics`. */

import { GROUPS, STREAM_EVENTS_TOPIC } from "../events/topics.ts";
import { FencedError, ReplacedTopicError, UnknownTopicError } from "../event_log/event_log.ts";
import type { EventLog, GroupMember } from "../event_log/event_log.ts";
import { parseCommandLine, parseDuration, UsageError } from "../process/command_line.ts";
import { logger } from "../process/logger.ts";
import { serveMetrics } from "../process/metrics_server.ts";
import { openEventLog } from "../process/open_event_log.ts";
import { OperatorError, runProcess } from "../process/run_process.ts";
import { maxEventLeadMs, realtimeDatabase } from "../process/settings.ts";
import type { AskedDatabase } from "../warehouse/asked_database.ts";
import { RetryNotes } from "./_retry_notes.ts";
import { openViewerDatabase } from "./_viewer_database.ts";
import { watchLag } from "./lag_watch.ts";
import { notReadyReason } from "./readiness.ts";
import { ViewerGauges } from "./viewer_gauges.ts";
import { ViewerRetention } from "./viewer_retention.ts";
import { ViewerStore } from "./viewer_store.ts";
import { runViewerTask } from "./viewer_task.ts";

const REPARTITION_TOPIC = "viewer-metrics-repartition";

/** What may fail and begin again, beside the partitions. */
const GROUP = "The consumer group";
const RETENTION = "The retention";
/** Less would take windows that may still change. */
const RETENTION_MS_MIN = 3_600_000;

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
    "retention": {
      type: "text",
      value: "DURATION",
      default: "90d",
      description:
        "Windows that are so much older than the newest one are deleted, and events of that time are late; none keeps all",
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
  const retentionMs = retentionOf(values.retention);
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
  let database: AskedDatabase | undefined;
  try {
    const { partitions, repartitionPartitions } = await inputTopics(log);
    notReady = "The database does not answer";
    const { schema, ...address } = realtimeDatabase();
    const resetLogId = values["reset-state"] ? log.logId : undefined;
    database = await openViewerDatabase(address, schema, { signal, resetLogId });
    if (database === undefined) return;
    const store = new ViewerStore(database, schema, log.logId);
    const retention = retentionMs === undefined
      ? undefined
      : new ViewerRetention(database, { schema, logId: log.logId, partitions, retentionMs });
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
      ...(retention === undefined ? {} : { retention }),
    }, retention);
    logger.info("Viewer metrics stopped; what was counted is stored");
  } finally {
    await log.close();
    await database?.close();
    await server.close();
  }
});

/** Owns its share of the partitions until it is to stop. */
async function countUntilStopped(
  signal: AbortSignal,
  { member, gauges }: { member: GroupMember; gauges: ViewerGauges },
  options: Parameters<typeof runViewerTask>[2],
  retention: ViewerRetention | undefined,
): Promise<void> {
  const { log, topic } = options;
  const end = new AbortController();
  const stop = AbortSignal.any([signal, end.signal]);
  const notes = new RetryNotes(logger);
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
      notes.recovered(nameOf(partition));
      return;
    }
    notes.failed(partition < 0 ? GROUP : nameOf(partition), messageOf(error));
  };
  const sweeping = retention?.run(stop, {
    swept({ windows, streams }) {
      notes.recovered(RETENTION);
      if (windows === 0) return;
      logger.info(`${windows} minute windows beyond --retention deleted, ${streams} streams forgotten`);
    },
    failed: (error) => notes.failed(RETENTION, messageOf(error)),
  });
  try {
    await member.run((assigned, taskSignal) =>
      runViewerTask(assigned, taskSignal, {
        ...options,
        observer: {
          restored({ partition, windows, lostRecords, durationMs }) {
            gauges.windows.set(partition, windows);
            notes.recovered(GROUP);
            notes.recovered(nameOf(partition));
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
      }), { signal: stop, onError });
  } finally {
    stopWatchingLag();
    await member.close();
    end.abort();
    await sweeping;
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

/** `undefined`: all windows are kept. */
function retentionOf(text: string): number | undefined {
  if (text === "none") return undefined;
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= RETENTION_MS_MIN) return ms;
  throw new UsageError(`--retention is "${text}", expected a time of at least 1h such as 90d, or none`);
}

function nameOf(partition: number): string {
  return `Partition ${partition}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

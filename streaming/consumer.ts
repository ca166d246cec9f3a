/** The streaming consumer: decides promotions from bookings, exactly once. `deno task consumer`. */

import {
  BOOKING_CURVES_TOPIC,
  ENGINE_INPUT_TOPICS,
  GROUPS,
  LAKE_TOPICS,
  POLICY_EVALUATIONS_TOPIC,
} from "../events/topics.ts";
import { FencedError, ReplacedTopicError, UnknownTopicError } from "../event_log/event_log.ts";
import type { EventLog, GroupMember } from "../event_log/event_log.ts";
import { parseCommandLine } from "../process/command_line.ts";
import { logger, RateLimitedLines } from "../process/logger.ts";
import { serveMetrics } from "../process/metrics_server.ts";
import { openEventLog } from "../process/open_event_log.ts";
import { OperatorError, runProcess } from "../process/run_process.ts";
import { maxEventLeadMs } from "../process/settings.ts";
import { ConsumerMetrics } from "./consumer_metrics.ts";
import { ENGINE_OPTIONS, engineOptions } from "./engine_options.ts";
import { InventoryEngine } from "./inventory_engine.ts";
import { watchLag } from "./lag_watch.ts";
import { runPartitionTask } from "./partition_task.ts";
import type { CommitInfo } from "./partition_task.ts";
import { runPassOnTask } from "./pass_on_task.ts";
import { notReadyReason } from "./readiness.ts";

const CHANGELOG_TOPIC = "inventory-engine-changelog";
const REPARTITION_TOPIC = "inventory-engine-repartition";
const ORDER_TOPIC = "inventory-engine-order";

const COMMAND_LINE = {
  usage: "deno task consumer",
  description: "Follows every flight's seats and bookings and decides promotions, each exactly once.",
  options: {
    ...ENGINE_OPTIONS,
    "max-event-lead": {
      type: "duration",
      description: "An event time further beyond its append time is a dead letter (default MAX_EVENT_LEAD)",
    },
    "commit-interval": {
      type: "duration",
      default: "100ms",
      minMs: 1,
      description: "Outputs, state and offsets are committed at least this often",
    },
    "session-timeout": {
      type: "duration",
      default: "10s",
      minMs: 1000,
      description: "Silence after which another consumer takes over this one's partitions",
    },
    "metrics-port": {
      type: "number",
      value: "PORT",
      default: 8002,
      min: 0,
      max: 65535,
      integer: true,
      description: "Port of /metrics, /healthz and /readyz; 0 picks a free one",
    },
  },
  notes: [
    "Several consumers share the work: start another with --metrics-port 0.",
    "KAFKA_BROKERS chooses Kafka; without it the embedded log (EVENT_LOG_FILE) is used.",
  ],
} as const;

await runProcess(async (signal) => {
  const { values } = parseCommandLine(COMMAND_LINE, Deno.args);
  const engine = engineOptions(values);
  const metrics = new ConsumerMetrics();
  let members: GroupMember[] | undefined;
  const server = serveMetrics({
    port: values["metrics-port"],
    registry: metrics.registry,
    notReady: () => notReadyReason({ members, restored: new Set(metrics.engines.keys()) }),
  });
  const log = await openEventLog("inventory-engine");
  try {
    const { partitions, direct, indirect } = await inputTopics(log);
    logger.info("🚦 Consumer started (Iteration 2 with metrics)");
    logger.info(
      `   ${engine.policy.name} on ${log.engine}, metrics on http://127.0.0.1:${server.port}/metrics`,
    );
    const lines = terminalLines();
    const group = GROUPS.engine;
    const sessionTimeoutMs = values["session-timeout"];
    const eventLeadMsMax = values["max-event-lead"] ?? maxEventLeadMs();
    const topics = [...direct, REPARTITION_TOPIC, BOOKING_CURVES_TOPIC];
    // Ends the work also where going on would make things worse.
    const end = new AbortController();
    const onStop = () => end.abort();
    signal.addEventListener("abort", onStop);
    if (signal.aborted) onStop();
    let fatal: ReplacedTopicError | undefined;
    const onError = (error: unknown, partition: number): void => {
      if (error instanceof ReplacedTopicError) {
        fatal = error;
        end.abort();
        return;
      }
      // Being fenced is how a partition changes hands; the new owner goes on.
      if (error instanceof FencedError) {
        logger.info(`Partition ${partition} went to another consumer`);
        return;
      }
      const what = error instanceof Error ? error.message : String(error);
      // Not one partition but the whole group: -1, see GroupMember.
      if (partition < 0) logger.warn(`The consumer group begins again: ${what}`);
      else logger.warn(`Partition ${partition} begins again: ${what}`);
    };
    const member = await log.member({
      group,
      topics,
      companionTopics: [CHANGELOG_TOPIC],
      sessionTimeoutMs,
      maxBytes: 1 << 20,
    });
    const passOnMembers = await Promise.all(indirect.map(async (topic) => ({
      topic,
      member: await log.member({ group: `${group}-${topic}`, topics: [topic], sessionTimeoutMs }),
    })));
    members = [member, ...passOnMembers.map((one) => one.member)];
    const stopWatchingLag = watchLag(log, [...topics, ...indirect], metrics);
    try {
      await Promise.all([
        member.run((assigned, taskSignal) =>
          runPartitionTask(assigned, taskSignal, {
            log,
            group,
            topics,
            repartitionTopic: REPARTITION_TOPIC,
            changelogTopic: CHANGELOG_TOPIC,
            orderTopic: ORDER_TOPIC,
            partitions,
            eventLeadMsMax,
            commitIntervalMs: values["commit-interval"],
            newEngine: () => new InventoryEngine({ ...engine, logId: log.logId }),
            observer: {
              restored({ partition, entries, durationMs, engine }) {
                metrics.engines.set(partition, engine);
                logger.info(
                  `Partition ${partition}: ${engine.flightsTracked} flights on sale (${entries} state entries restored in ${
                    durationMs.toFixed(0)
                  } ms)`,
                );
              },
              reached: (positions) => metrics.reached(positions),
              committed(info) {
                metrics.committed(info);
                lines(info);
              },
              closed(partition) {
                metrics.engines.delete(partition);
                metrics.closed(partition, topics);
              },
            },
          }), { signal: end.signal, onError }),
        ...passOnMembers.map(({ topic, member }) =>
          member.run((assigned, taskSignal) =>
            runPassOnTask(assigned, taskSignal, {
              log,
              group: `${group}-${topic}`,
              topic,
              repartitionTopic: REPARTITION_TOPIC,
              eventLeadMsMax,
              onCommitted: (info) => metrics.passedOn(info),
              onReached: (positions) => metrics.reached(positions),
            }).finally(() => metrics.closed(assigned.partition, [topic])), { signal: end.signal, onError })
        ),
      ]);
    } finally {
      signal.removeEventListener("abort", onStop);
      stopWatchingLag();
      await member.close();
      await Promise.all(passOnMembers.map(({ member }) => member.close()));
    }
    if (fatal !== undefined) throw fatal;
    logger.info("Consumer stopped; what it processed is committed");
  } finally {
    await log.close();
    await server.close();
  }
});

/** Which input topics are read where their records land, and which are passed on as a whole. */
async function inputTopics(
  log: EventLog,
): Promise<{ partitions: number; direct: string[]; indirect: string[] }> {
  const counts = new Map((await log.listTopics()).map(({ name, partitions }) => [name, partitions]));
  const own = [CHANGELOG_TOPIC, ORDER_TOPIC, BOOKING_CURVES_TOPIC];
  const needed = [...ENGINE_INPUT_TOPICS, POLICY_EVALUATIONS_TOPIC, REPARTITION_TOPIC, ...own];
  const missing = needed.filter((topic) => !counts.has(topic));
  if (missing.length > 0) {
    throw new UnknownTopicError(
      `The log has no topic ${missing.join(", ")}. Create the topics with: deno task topics`,
    );
  }
  await log.checkIdentity(LAKE_TOPICS);
  const partitions = counts.get(REPARTITION_TOPIC)!;
  for (const topic of own) {
    if (counts.get(topic) !== partitions) {
      throw new OperatorError(
        `Topic "${topic}" has ${
          counts.get(topic)
        } partitions, "${REPARTITION_TOPIC}" ${partitions}: they must agree. Delete those of the consumer's own and run: deno task topics`,
      );
    }
  }
  const direct = ENGINE_INPUT_TOPICS.filter((topic) => counts.get(topic) === partitions);
  const indirect = ENGINE_INPUT_TOPICS.filter((topic) => counts.get(topic) !== partitions);
  for (const topic of indirect) {
    logger.info(
      `Topic "${topic}" has ${
        counts.get(topic)
      } partitions, not ${partitions}: its records are passed on by flight`,
    );
  }
  return { partitions, direct, indirect };
}

/** The per-event lines, for a person at the terminal; few a second, whatever the load. */
function terminalLines(): (info: CommitInfo) => void {
  const metricLines = new RateLimitedLines({ perSecondMax: 2 });
  const promoLines = new RateLimitedLines({ perSecondMax: 10 });
  return ({ outputs }) => {
    for (const { topic, key, value } of outputs) {
      if (topic === "inventory_metrics") metricLines.say(() => `📊 Metrics updated for ${key}`);
      else if (topic === "promo_decisions") {
        promoLines.say(() => `💸 Promo triggered for ${key}: ${JSON.parse(value!).discount_percentage}%`);
      }
    }
  };
}

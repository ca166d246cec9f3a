/** Produces the published mix of viewers, chat messages and donations. `deno task event-generator`. */

import { setTimeout as sleep } from "node:timers/promises";
import { parseInstant } from "../events/instant.ts";
import { STREAM_EVENTS_TOPIC } from "../events/topics.ts";
import type { EventLog, NewRecord } from "../event_log/event_log.ts";
import { UnknownTopicError } from "../event_log/event_log.ts";
import { parseCommandLine, UsageError } from "../process/command_line.ts";
import { logger } from "../process/logger.ts";
import { Counter, processRegistry, serveMetrics } from "../process/metrics_server.ts";
import { openEventLog } from "../process/open_event_log.ts";
import { runProcess } from "../process/run_process.ts";
import { StreamMix } from "./stream_mix.ts";

/** Event times of a run that is as fast as it can. */
const EVENTS_PER_SECOND_UNPACED = 1000;
const TICK_MS = 50;
const APPENDED_RECORDS_MAX = 2000;
const REPORT_INTERVAL_MS = 5000;

const COMMAND_LINE = {
  usage: "deno task event-generator",
  description: "Produces viewers who come and go, chat messages and donations on the topic stream.events.",
  options: {
    seed: {
      type: "number",
      default: 1,
      min: 0,
      max: Number.MAX_SAFE_INTEGER,
      integer: true,
      description: "Decides everything that is left to chance",
    },
    rate: {
      type: "number",
      value: "EVENTS",
      default: 20,
      min: 0,
      max: 1_000_000,
      description: "Events per second; 0: as fast as possible, with event times of 1,000 a second",
    },
    limit: {
      type: "number",
      value: "EVENTS",
      min: 1,
      max: Number.MAX_SAFE_INTEGER,
      integer: true,
      description: "Ends after so many events",
    },
    streams: {
      type: "number",
      default: 3,
      min: 1,
      max: 100_000,
      integer: true,
      description: "Streams: stream_1001 and so on",
    },
    users: {
      type: "number",
      default: 500,
      min: 1,
      max: 10_000_000,
      integer: true,
      description: "Users: user_1 and so on",
    },
    "metrics-port": {
      type: "number",
      value: "PORT",
      min: 0,
      max: 65535,
      integer: true,
      description:
        "Also serve /metrics, /healthz and /readyz on this port, 0 picks a free one (without it: none)",
    },
    from: {
      type: "text",
      value: "TIME",
      description:
        "Event time of the first event, such as 2025-11-24T08:00:00Z; the same seed, time, rate, streams and users give the same events (default now; with --rate 0 and --limit so that the last one is now)",
    },
  },
} as const;

await runProcess(async (signal) => {
  const { values } = parseCommandLine(COMMAND_LINE, Deno.args);
  const { seed, rate, streams, users, limit = Infinity } = values;
  const eventsPerSecond = rate === 0 ? EVENTS_PER_SECOND_UNPACED : rate;
  const startMs = startOf(values.from) ??
    Date.now() - (rate === 0 && Number.isFinite(limit) ? limit * 1000 / eventsPerSecond : 0);
  const mix = new StreamMix({ seed, streams, users, startMs: Math.floor(startMs), eventsPerSecond });
  const health = healthOf(values["metrics-port"]);
  const log = await openEventLog("event-generator");
  try {
    await checkTopic(log);
    logger.info(
      `🎬 Event generator started: ${rate === 0 ? "as fast as it can" : `${rate} events/s`} on ${log.engine}`,
    );
    const sent = await produce(log, mix, { rate, limit, signal, onSent: health.sent });
    logger.info(`Event generator stopped: ${sent.toLocaleString("en")} events`);
  } finally {
    await log.close();
    await health.close();
  }
});

/** Serves how many events were stored, and ready once the log has taken some; nothing without a port. */
function healthOf(port: number | undefined): { sent: (events: number) => void; close: () => Promise<void> } {
  if (port === undefined) return { sent: () => {}, close: () => Promise.resolve() };
  const registry = processRegistry();
  const counter = new Counter({
    name: "event_generator_events_total",
    help: "Events that the log has stored",
    registers: [registry],
  });
  let ready = false;
  const notReady = () => ready ? undefined : "The log has not taken an event yet";
  const server = serveMetrics({ port, registry, notReady });
  logger.info(`   metrics on port ${server.port}`);
  return {
    sent(events) {
      ready = true;
      counter.inc(events);
    },
    close: () => server.close(),
  };
}

function startOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseInstant(text);
  if (Number.isNaN(ms)) {
    throw new UsageError(`--from is "${text}", expected a UTC time such as 2025-11-24T08:00:00Z`);
  }
  return ms;
}

async function checkTopic(log: EventLog): Promise<void> {
  if ((await log.listTopics()).some(({ name }) => name === STREAM_EVENTS_TOPIC)) return;
  throw new UnknownTopicError(
    `The log has no topic ${STREAM_EVENTS_TOPIC}. Create the topics with: deno task topics`,
  );
}

/** Appends until the limit or the signal; returns how many events were stored. */
async function produce(
  log: EventLog,
  mix: StreamMix,
  options: { rate: number; limit: number; signal: AbortSignal; onSent: (events: number) => void },
): Promise<number> {
  const { rate, limit, signal, onSent } = options;
  const appender = await log.appender();
  const startedMs = performance.now();
  let reportedMs = startedMs;
  let sent = 0;
  try {
    while (!signal.aborted && sent < limit) {
      const elapsedMs = performance.now() - startedMs;
      const due = Math.min(limit, rate === 0 ? Infinity : Math.floor(elapsedMs * rate / 1000) + 1);
      const records: NewRecord[] = [];
      while (sent + records.length < due && records.length < APPENDED_RECORDS_MAX) {
        const event = mix.event(sent + records.length);
        records.push({ topic: STREAM_EVENTS_TOPIC, key: event.stream_id, value: JSON.stringify(event) });
      }
      if (records.length > 0) {
        await appender.append(records);
        onSent(records.length);
      }
      sent += records.length;
      if (performance.now() - reportedMs >= REPORT_INTERVAL_MS) {
        reportedMs = performance.now();
        logger.info(`${sent.toLocaleString("en")} events`);
      }
      await sleep(sent < due ? 0 : TICK_MS, undefined, { signal }).catch(() => {});
    }
  } finally {
    await appender.close();
  }
  return sent;
}

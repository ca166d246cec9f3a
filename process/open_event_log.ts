/** Opens the event log that the environment names: Kafka where `KAFKA_BROKERS` is given, else the embedded one. */

import type { EventLog } from "../event_log/event_log.ts";
import { UsageError } from "./command_line.ts";
import { logger } from "./logger.ts";
import { kafkaSettings, setting } from "./settings.ts";
import type { SettingName } from "./settings.ts";

/**
 * Opens the log.
 *
 * @param clientId What the broker's logs and quotas call this process.
 * @param options With `readOnly` an embedded log must be there and is opened without the right to write; on Kafka it
 *   says nothing.
 * @throws {LogUnavailableError} when it cannot be reached or opened.
 */
export async function openEventLog(
  clientId: string,
  options: { readOnly?: boolean } = {},
): Promise<EventLog> {
  const kafka = kafkaSettings();
  if (kafka === undefined) {
    const { openSqliteEventLog } = await import("../event_log/sqlite_event_log.ts");
    return await openSqliteEventLog({
      file: setting("EVENT_LOG_FILE")!,
      readOnly: options.readOnly ?? false,
    });
  }
  const { openKafkaEventLog } = await import("../event_log/kafka_event_log.ts");
  // While it opens the error that ends it says everything, so each try need not.
  let opened = false;
  const say = withoutRepeats((level: "info" | "warn" | "error", message) => void logger[level](message));
  const log = await openKafkaEventLog({
    brokers: kafka.brokers,
    clientId,
    topicPrefix: kafka.topicPrefix,
    ...(kafka.sasl === undefined ? {} : { sasl: kafka.sasl }),
    ...(kafka.ssl === undefined ? {} : { ssl: await tlsOf(kafka.ssl) }),
    logger: (level, message) => opened && say(level, message),
  });
  opened = true;
  return log;
}

const REPEAT_AFTER_MS = 30_000;
const REMEMBERED_MAX = 100;

/** Says the same thing at most every 30 s: a broker that is away is tried many times a second. */
function withoutRepeats<Level>(
  say: (level: Level, message: string) => void,
): (level: Level, message: string) => void {
  const saidMs = new Map<string, number>();
  return (level, message) => {
    const nowMs = performance.now();
    if (nowMs - (saidMs.get(message) ?? -Infinity) < REPEAT_AFTER_MS) return;
    if (saidMs.size >= REMEMBERED_MAX) saidMs.clear();
    saidMs.set(message, nowMs);
    say(level, message);
  };
}

async function tlsOf(files: { caFile?: string; certFile?: string; keyFile?: string }) {
  const read = async (name: SettingName, file: string | undefined) => {
    try {
      return file === undefined ? undefined : await Deno.readTextFile(file);
    } catch (error) {
      throw new UsageError(`Cannot read ${name} "${file}": ${(error as Error).message}`);
    }
  };
  const [ca, cert, key] = await Promise.all([
    read("KAFKA_SSL_CA_FILE", files.caFile),
    read("KAFKA_SSL_CERT_FILE", files.certFile),
    read("KAFKA_SSL_KEY_FILE", files.keyFile),
  ]);
  return {
    ...(ca === undefined ? {} : { ca: [ca] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

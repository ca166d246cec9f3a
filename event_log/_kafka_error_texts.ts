/** What an operator is told where Kafka cannot be used. */

import { kafkaErrorType, messageOf } from "./_kafka_errors.ts";
import { IDENTITY_TOPIC } from "./_kafka_identity.ts";
import type { KafkaEventLogOptions } from "./kafka_event_log.ts";

/** Why Kafka cannot be used, and what to look at. */
export function unavailableText({ brokers, sasl, ssl }: KafkaEventLogOptions, error: unknown): string {
  const type = kafkaErrorType(error);
  const { name } = error as Error;
  const refused = name?.includes("SASL") || type.includes("SASL") || type.includes("AUTHORIZATION");
  const check = refused
    ? `check user "${sasl?.username ?? ""}", its password and mechanism, and that this port asks for them`
    : ssl
    ? "check that Kafka runs there, and speaks TLS with a certificate that is trusted here"
    : "check that Kafka runs there, and that its advertised.listeners can be reached from here";
  return `Cannot use Kafka at ${brokers.join(", ")}: ${messageOf(error)}; ${check}`;
}

/** Why a topic that was made again is refused, and what to do. */
export function replacedTopicText(name: string, prefix: string): string {
  const all = prefix === "" ? "all topics of the pipeline" : `all topics that begin with "${prefix}"`;
  return `The topic "${name}" was deleted and made again since this log was begun: its offsets begin again, and lake, ` +
    `tables and consumer would take new records for known ones. Start afresh: give another KAFKA_TOPIC_PREFIX, or ` +
    `delete ${all}, ${prefix}${IDENTITY_TOPIC} among them; then see "Start afresh" in RUNBOOK.md`;
}

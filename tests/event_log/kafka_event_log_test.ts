/** The event log on Kafka keeps the contract of every event log. Runs where `KAFKA_BROKERS` names a local broker. */

import { openKafkaEventLog } from "../../event_log/kafka_event_log.ts";
import { eventLogContract } from "./event_log_contract.ts";

const brokers = (Deno.env.get("KAFKA_BROKERS") ?? "").split(",").filter((broker) => broker !== "");
const topicPrefix = `test-${crypto.randomUUID().slice(0, 8)}.`;
if (brokers.length > 0) {
  eventLogContract("kafka", () => openKafkaEventLog({ brokers, clientId: "contract-test", topicPrefix }));
}

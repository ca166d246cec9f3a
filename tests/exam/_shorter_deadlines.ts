/**
 * The program's own deadlines, a few seconds long in place of ten to thirty: for rounds of the short form and controls,
 * which wait for them to pass. Rounds of the full form have them as they are.
 *
 * @module
 */

import type { SourceMutation } from "./_project_copy.ts";

/** What a request, and a client in its transaction, are given in a copy with {@link SHORTER_DEADLINES}. */
export const SHORTER_MS = 3_000;
/** What an append is given, so that it can be sent again, and what it takes longer at the most: a request to produce. */
export const SHORTER_APPEND_MS = 6_000;
export const SHORTER_PRODUCE_MS = SHORTER_MS + 1_000;

/** Of requests to Kafka, an append, a client in a transaction of the embedded warehouse, and an answer of Postgres. */
export const SHORTER_DEADLINES: readonly SourceMutation[] = [
  shorter("event_log/kafka_event_log.ts", "REQUEST_TIMEOUT_MS", "15_000"),
  shorter("event_log/_kafka_appender.ts", "DEADLINE_MS", "30_000", "6_000"),
  shorter("event_log/_kafka_sender.ts", "PRODUCE_TIMEOUT_MS", "10_000"),
  shorter("warehouse/postgres_server.ts", "IDLE_IN_TRANSACTION_TIMEOUT_MS", "10_000"),
  shorter("warehouse/_answer_deadline.ts", "ANSWER_MS", "15_000"),
  shorter("warehouse/_answer_deadline.ts", "LOOK_MS", "4_000", "1_000"),
];

function shorter(file: string, name: string, ms: string, to = "3_000"): SourceMutation {
  return { file, from: `const ${name} = ${ms};`, to: `const ${name} = ${to};` };
}

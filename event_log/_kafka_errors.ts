/**
 * What a Kafka error means for what to do next.
 *
 * @module
 */

import protocolErrors from "kafkajs/src/protocol/error.js";

const PRODUCER_FENCED_CODE = 90;

const CONNECTION_ERRORS = new Set([
  "KafkaJSConnectionError",
  "KafkaJSConnectionClosedError",
  "KafkaJSRequestTimeoutError",
  "KafkaJSLockTimeout",
]);
const MOVED_ERRORS = new Set([
  "LEADER_NOT_AVAILABLE",
  "NOT_LEADER_FOR_PARTITION",
  "UNKNOWN_TOPIC_OR_PARTITION",
  "FENCED_LEADER_EPOCH",
  "UNKNOWN_LEADER_EPOCH",
  "KAFKA_STORAGE_ERROR",
  "REPLICA_NOT_AVAILABLE",
  "OFFSET_NOT_AVAILABLE",
  "GROUP_COORDINATOR_NOT_AVAILABLE",
  "NOT_COORDINATOR_FOR_GROUP",
  "NOT_CONTROLLER",
]);
const BUSY_ERRORS = new Set([
  "REQUEST_TIMED_OUT",
  "NETWORK_EXCEPTION",
  "BROKER_NOT_AVAILABLE",
  "GROUP_LOAD_IN_PROGRESS",
  "NOT_ENOUGH_REPLICAS",
  "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
  "CORRUPT_MESSAGE",
  "CONCURRENT_TRANSACTIONS",
  "UNSTABLE_OFFSET_COMMIT",
  "REASSIGNMENT_IN_PROGRESS",
]);
const FENCED_ERRORS = new Set([
  "PRODUCER_FENCED",
  "INVALID_PRODUCER_EPOCH",
  "INVALID_PRODUCER_ID_MAPPING",
  "TRANSACTION_COORDINATOR_FENCED",
  "INVALID_TXN_STATE",
]);

interface KafkaErrorFields {
  name?: string;
  type?: string;
  code?: string | number;
  message?: string;
  cause?: unknown;
}

function fields(error: unknown): KafkaErrorFields {
  return typeof error === "object" && error !== null ? error : {};
}

/** The protocol's name of an error, such as `NOT_COORDINATOR_FOR_GROUP`; empty for other errors. */
export function kafkaErrorType(error: unknown): string {
  return fields(error).type ?? "";
}

/** The error of a numeric code; `undefined` for 0. */
export function errorOfCode(code: number): Error | undefined {
  if (code === 0) return undefined;
  if (code === PRODUCER_FENCED_CODE) {
    return Object.assign(new Error("A newer producer with the same transactional id has taken over"), {
      type: "PRODUCER_FENCED",
    });
  }
  return protocolErrors.createErrorFromCode(code);
}

/** The connection failed, or the broker did not answer in time: what was asked may or may not have been done. */
export function isConnectionError(error: unknown): boolean {
  return CONNECTION_ERRORS.has(fields(error).name ?? "");
}

/** Another broker is to be asked: leaders and coordinators must be looked up again. */
export function hasMoved(error: unknown): boolean {
  return isConnectionError(error) || MOVED_ERRORS.has(kafkaErrorType(error));
}

/** Asking again may succeed. */
export function isRetriable(error: unknown): boolean {
  return hasMoved(error) || BUSY_ERRORS.has(kafkaErrorType(error));
}

/** A newer owner of the transactional id exists, or the broker ended the transaction after its timeout. */
export function isFenced(error: unknown): boolean {
  return FENCED_ERRORS.has(kafkaErrorType(error)) ||
    (fields(error).message ?? "").includes(`error code ${PRODUCER_FENCED_CODE}`);
}

/** The message of an error, of whatever kind it is. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

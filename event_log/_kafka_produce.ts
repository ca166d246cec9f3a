/**
 * The Produce request (version 7, Kafka ≥ 2.1): batches of several partitions in one request, and each one's outcome.
 *
 * @module
 */

import type { KafkaRequest } from "./_kafka_request.ts";
import type { WireReader } from "./_kafka_wire.ts";

const ALL_REPLICAS = -1;
const FRAME_BYTES = 256;
const ANSWER_SPARE_MS = 1_000;

/** An encoded batch on its way to a partition. */
export interface PartitionBatch {
  topic: string;
  partition: number;
  bytes: Uint8Array;
}

/** What became of a batch; error code 0 is success. */
export interface PartitionOutcome {
  topic: string;
  partition: number;
  errorCode: number;
}

/** Stores batches, at most one of each partition, acknowledged by all replicas. */
export function produceRequest(
  transactionalId: string | null,
  batches: PartitionBatch[],
  timeoutMs: number,
): KafkaRequest<PartitionOutcome[]> {
  return {
    api: { key: 0, version: 7, name: "Produce" },
    bytes: batches.reduce((sum, batch) => sum + batch.bytes.length + FRAME_BYTES, FRAME_BYTES),
    encode: (writer) => {
      writer.string(transactionalId).int16(ALL_REPLICAS).int32(timeoutMs);
      writer.array([...Map.groupBy(batches, (batch) => batch.topic)], ([topic, partitions]) => {
        writer.string(topic).array(partitions, ({ partition, bytes }) => {
          writer.int32(partition).int32(bytes.length).raw(bytes);
        });
      });
    },
    decode: decodeOutcomes,
    timeoutMs: timeoutMs + ANSWER_SPARE_MS,
  };
}

function decodeOutcomes(reader: WireReader): PartitionOutcome[] {
  return reader.array(() => {
    const topic = reader.string() ?? "";
    return reader.array(() => {
      const partition = reader.int32();
      const errorCode = reader.int16();
      reader.raw(8 + 8 + 8);
      return { topic, partition, errorCode };
    });
  }).flat();
}

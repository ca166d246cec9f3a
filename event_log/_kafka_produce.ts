/**
 * The Produce request (version 7, Kafka ≥ 2.1): batches of several partitions in one request, and each one's outcome.
 *
 * @module
 */

import type { KafkaProtocol } from "./_kafka_internals.ts";
import { encodedRequest, WireReader, WireWriter } from "./_kafka_wire.ts";

const PRODUCE_API = 0;
const VERSION = 7;
const ALL_REPLICAS = -1;
const FRAME_BYTES = 256;

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
): KafkaProtocol<PartitionOutcome[]> {
  return {
    request: {
      apiKey: PRODUCE_API,
      apiVersion: VERSION,
      apiName: "Produce",
      encode: () => {
        const size = batches.reduce((sum, batch) => sum + batch.bytes.length + FRAME_BYTES, FRAME_BYTES);
        const writer = new WireWriter(size).string(transactionalId).int16(ALL_REPLICAS).int32(timeoutMs);
        const byTopic = Map.groupBy(batches, (batch) => batch.topic);
        writer.array([...byTopic], ([topic, partitions]) => {
          writer.string(topic).array(partitions, ({ partition, bytes }) => {
            writer.int32(partition).int32(bytes.length).raw(bytes);
          });
        });
        return Promise.resolve(encodedRequest(writer));
      },
    },
    response: {
      decode: (payload) => Promise.resolve(decodeOutcomes(new WireReader(payload))),
      parse: (outcomes) => Promise.resolve(outcomes),
    },
    requestTimeout: timeoutMs + 1000,
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

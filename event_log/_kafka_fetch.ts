/**
 * The Fetch request (version 11, Kafka ≥ 2.3), read-committed and without a fetch session.
 *
 * @module
 */

import type { AbortedTransaction } from "./_kafka_batch_decoding.ts";
import type { KafkaRequest } from "./_kafka_request.ts";
import type { WireReader } from "./_kafka_wire.ts";

const READ_COMMITTED = 1;
const NO_SESSION_EPOCH = -1;

/** From where to fetch a partition. */
export interface FetchFrom {
  topic: string;
  partition: number;
  offset: number;
  bytesMax: number;
}

/** What came of a partition. */
export interface FetchedPartition {
  topic: string;
  partition: number;
  errorCode: number;
  /** The end of what is replicated; beyond the last stable offset it belongs to transactions under way. */
  highWatermark: number;
  /** The end of what read-committed readers may see. */
  lastStableOffset: number;
  aborted: AbortedTransaction[];
  recordSet: Uint8Array;
}

/** Waits up to `waitMsMax` for the first byte. The first partition with records yields at least one whole batch. */
export function fetchRequest(
  from: FetchFrom[],
  limits: { waitMsMax: number; bytesMax: number },
): KafkaRequest<FetchedPartition[]> {
  return {
    api: { key: 1, version: 11, name: "Fetch" },
    encode: (writer) => {
      writer.int32(-1).int32(limits.waitMsMax).int32(1).int32(limits.bytesMax);
      writer.int8(READ_COMMITTED).int32(0).int32(NO_SESSION_EPOCH);
      writer.array([...Map.groupBy(from, ({ topic }) => topic)], ([topic, partitions]) => {
        writer.string(topic).array(partitions, ({ partition, offset, bytesMax }) => {
          writer.int32(partition).int32(-1).int64(offset).int64(-1).int32(bytesMax);
        });
      });
      writer.int32(0).string("");
    },
    decode: decodeFetched,
  };
}

function decodeFetched(reader: WireReader): FetchedPartition[] {
  reader.int32();
  reader.int16();
  reader.int32();
  return reader.array(() => {
    const topic = reader.string() ?? "";
    return reader.array(() => {
      const partition = reader.int32();
      const errorCode = reader.int16();
      const highWatermark = reader.int64();
      const lastStableOffset = reader.int64();
      reader.int64();
      const aborted = reader.array(() => ({ producerId: reader.bigInt64(), firstOffset: reader.int64() }));
      reader.int32();
      const recordSet = reader.raw(Math.max(reader.int32(), 0));
      return { topic, partition, errorCode, highWatermark, lastStableOffset, aborted, recordSet };
    });
  }).flat();
}

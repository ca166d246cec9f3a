/**
 * The Fetch request (version 11, Kafka ≥ 2.3), read-committed and without a fetch session.
 *
 * @module
 */

import type { KafkaProtocol } from "./_kafka_internals.ts";
import type { AbortedTransaction } from "./_kafka_record_batch.ts";
import { encodedRequest, WireReader, WireWriter } from "./_kafka_wire.ts";

const FETCH_API = 1;
const VERSION = 11;
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
  /** The end of what read-committed readers may see. */
  lastStableOffset: number;
  aborted: AbortedTransaction[];
  recordSet: Uint8Array;
}

/** Waits up to `waitMsMax` for the first byte. The first partition with records yields at least one whole batch. */
export function fetchRequest(
  from: FetchFrom[],
  limits: { waitMsMax: number; bytesMax: number },
): KafkaProtocol<FetchedPartition[]> {
  return {
    request: {
      apiKey: FETCH_API,
      apiVersion: VERSION,
      apiName: "Fetch",
      encode: () => {
        const writer = new WireWriter(1024).int32(-1).int32(limits.waitMsMax).int32(1).int32(limits.bytesMax);
        writer.int8(READ_COMMITTED).int32(0).int32(NO_SESSION_EPOCH);
        writer.array([...Map.groupBy(from, ({ topic }) => topic)], ([topic, partitions]) => {
          writer.string(topic).array(partitions, ({ partition, offset, bytesMax }) => {
            writer.int32(partition).int32(-1).int64(offset).int64(-1).int32(bytesMax);
          });
        });
        return Promise.resolve(encodedRequest(writer.int32(0).string("")));
      },
    },
    response: {
      decode: (payload) => Promise.resolve(decodeFetched(new WireReader(payload))),
      parse: (fetched) => Promise.resolve(fetched),
    },
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
      reader.int64();
      const lastStableOffset = reader.int64();
      reader.int64();
      const aborted = reader.array(() => ({ producerId: reader.bigInt64(), firstOffset: reader.int64() }));
      reader.int32();
      const recordSet = reader.raw(Math.max(reader.int32(), 0));
      return { topic, partition, errorCode, lastStableOffset, aborted, recordSet };
    });
  }).flat();
}

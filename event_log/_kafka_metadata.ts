/**
 * The Metadata request: brokers, topics, partitions and their leaders (version 6, Kafka ≥ 2.0).
 *
 * @module
 */

import type { KafkaRequest } from "./_kafka_request.ts";
import type { WireReader } from "./_kafka_wire.ts";

/** A topic as a broker describes it. */
export interface TopicMetadata {
  errorCode: number;
  name: string;
  internal: boolean;
  /** In the order of the partition numbers; `leader` is -1 where there is none. */
  partitions: { leader: number }[];
}

/** Brokers and topics. */
export interface ClusterMetadata {
  brokers: { nodeId: number; host: string; port: number }[];
  /** -1 where none is known. */
  controllerId: number;
  topics: TopicMetadata[];
}

/** Asks for topics (`null`: all of them); never creates one. */
export function metadataRequest(topics: string[] | null): KafkaRequest<ClusterMetadata> {
  return {
    api: { key: 3, version: 6, name: "Metadata" },
    encode: (writer) => {
      if (topics === null) writer.int32(-1);
      else writer.array(topics, (topic) => writer.string(topic));
      writer.int8(0);
    },
    decode: decodeMetadata,
  };
}

function decodeMetadata(reader: WireReader): ClusterMetadata {
  reader.int32();
  const brokers = reader.array(() => {
    const broker = { nodeId: reader.int32(), host: reader.string() ?? "", port: reader.int32() };
    reader.string();
    return broker;
  });
  reader.string();
  const controllerId = reader.int32();
  const topics = reader.array(() => {
    const errorCode = reader.int16();
    const name = reader.string() ?? "";
    const internal = reader.int8() !== 0;
    const partitions: { leader: number }[] = [];
    reader.array(() => {
      reader.int16();
      const partition = reader.int32();
      partitions[partition] = { leader: reader.int32() };
      for (let list = 0; list < 3; list++) reader.array(() => reader.int32());
    });
    return { errorCode, name, internal, partitions };
  });
  return { brokers, controllerId, topics };
}

/**
 * The Metadata request: brokers, topics, partitions and their leaders (version 6, Kafka ≥ 2.0), and the ids of topics
 * (version 10, Kafka ≥ 2.8).
 *
 * @module
 */

import type { KafkaRequest } from "./_kafka_request.ts";
import type { WireReader } from "./_kafka_wire.ts";

/** The request's number in Kafka's protocol guide. */
export const METADATA_KEY = 3;

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
    api: { key: METADATA_KEY, version: 6, name: "Metadata" },
    encode: (writer) => {
      if (topics === null) writer.int32(-1);
      else writer.array(topics, (topic) => writer.string(topic));
      writer.int8(0);
    },
    decode: decodeMetadata,
  };
}

/** The first version that tells the ids of topics. */
export const TOPIC_IDS_VERSION = 10;
const NO_ID = "00000000000000000000000000000000";

/**
 * Asks for the ids of topics, as hexadecimal digits: made anew whenever a topic is, whatever its name. Topics that do
 * not exist are left out.
 */
export function topicIdsRequest(topics: string[]): KafkaRequest<Map<string, string>> {
  return {
    api: { key: METADATA_KEY, version: TOPIC_IDS_VERSION, name: "Metadata" },
    flexible: true,
    encode: (writer) => {
      writer.compactArray(topics, (topic) => writer.raw(new Uint8Array(16)).compactString(topic).int8(0));
      // Make none; no operations of cluster and topics; no tagged fields.
      writer.int8(0).int8(0).int8(0).int8(0);
    },
    decode: decodeTopicIds,
  };
}

function decodeTopicIds(reader: WireReader): Map<string, string> {
  reader.int32();
  reader.compactArray(() => {
    reader.int32();
    reader.compactString();
    reader.int32();
    reader.compactString();
    reader.skipTaggedFields();
  });
  reader.compactString();
  reader.int32();
  const ids = new Map<string, string>();
  reader.compactArray(() => {
    reader.int16();
    const name = reader.compactString() ?? "";
    const id = reader.raw(16).toHex();
    if (id !== NO_ID) ids.set(name, id);
    reader.int8();
    reader.compactArray(() => {
      reader.int16();
      for (let number = 0; number < 3; number++) reader.int32();
      for (let list = 0; list < 3; list++) reader.compactArray(() => reader.int32());
      reader.skipTaggedFields();
    });
    reader.int32();
    reader.skipTaggedFields();
  });
  return ids;
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

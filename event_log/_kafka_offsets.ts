/**
 * Where partitions start and end, and how far groups have come.
 *
 * @module
 */

import type { PartitionOffset, PartitionRange, TopicPartition } from "./event_log.ts";
import type { KafkaCluster } from "./_kafka_cluster.ts";
import { errorOfCode, hasMoved } from "./_kafka_errors.ts";
import type { KafkaRequest } from "./_kafka_request.ts";
import { retrying } from "./_kafka_retry.ts";
import type { WireReader } from "./_kafka_wire.ts";

const REQUIRE_STABLE = 1;
const START = -2;
const END = -1;
const READ_COMMITTED = 1;
const DEADLINE_MS = 10_000;

/**
 * Where the partitions of topics (names as on the broker) start, and the end of what is committed: markers of
 * transactions count, records of open transactions and all behind them do not.
 *
 * @throws {UnknownTopicError}
 */
export async function partitionRanges(cluster: KafkaCluster, topics: string[]): Promise<PartitionRange[]> {
  return await retrying(async () => {
    try {
      const places: (TopicPartition & { leader: number })[] = [];
      for (const topic of topics) {
        const leaders = await cluster.leaders(topic);
        places.push(...leaders.map((leader, partition) => ({ topic, partition, leader })));
      }
      const starts = await listOffsets(cluster, places, START);
      const ends = await listOffsets(cluster, places, END);
      return places.map(({ topic, partition }) => {
        const name = `${topic} ${partition}`;
        return { topic, partition, start: starts.get(name)!, end: ends.get(name)! };
      });
    } catch (error) {
      if (hasMoved(error)) cluster.forgetLeaders(topics);
      throw error;
    }
  }, { deadlineMs: DEADLINE_MS, signal: cluster.closed });
}

/** The start or the end of one partition (name as on the broker). */
export async function listOffset(
  cluster: KafkaCluster,
  { topic, partition }: TopicPartition,
  which: "start" | "end",
): Promise<number> {
  const leader = (await cluster.leaders(topic))[partition]!;
  const offsets = await listOffsets(cluster, [{ topic, partition, leader }], which === "start" ? START : END);
  return offsets.get(`${topic} ${partition}`)!;
}

async function listOffsets(
  cluster: KafkaCluster,
  places: (TopicPartition & { leader: number })[],
  timestamp: number,
): Promise<Map<string, number>> {
  const offsets = new Map<string, number>();
  await Promise.all([...Map.groupBy(places, (place) => place.leader)].map(async ([leader, own]) => {
    const broker = await cluster.broker(leader);
    const topics = [...Map.groupBy(own, (place) => place.topic)].map(([topic, partitions]) => ({
      topic,
      partitions: partitions.map(({ partition }) => ({ partition, timestamp })),
    }));
    const { responses } = await broker.listOffsets({ isolationLevel: READ_COMMITTED, topics });
    for (const { topic, partitions } of responses) {
      for (const { partition, offset } of partitions) offsets.set(`${topic} ${partition}`, Number(offset));
    }
  }));
  return offsets;
}

/**
 * Asks for the positions a group has committed (version 7, Kafka ≥ 2.5), and only for stable ones: positions of a
 * transaction that is being decided are refused until it is, so that a new owner never starts at an old position.
 */
export function offsetFetchRequest(
  group: string,
  topics: { topic: string; partitions: number[] }[],
): KafkaRequest<PartitionOffset[]> {
  return {
    api: { key: 9, version: 7, name: "OffsetFetch" },
    flexible: true,
    encode: (writer) => {
      writer.compactString(group).compactArray(topics, ({ topic, partitions }) => {
        writer.compactString(topic).compactArray(partitions, (partition) => writer.int32(partition)).int8(0);
      });
      writer.int8(REQUIRE_STABLE).int8(0);
    },
    decode: decodeOffsets,
  };
}

function decodeOffsets(reader: WireReader): PartitionOffset[] {
  reader.int32();
  const errors: number[] = [];
  const positions = reader.compactArray(() => {
    const topic = reader.compactString() ?? "";
    const partitions = reader.compactArray(() => {
      const partition = reader.int32();
      const offset = reader.int64();
      reader.int32();
      reader.compactString();
      errors.push(reader.int16());
      reader.skipTaggedFields();
      return { topic, partition, offset };
    });
    reader.skipTaggedFields();
    return partitions;
  }).flat();
  errors.push(reader.int16());
  const error = errors.map(errorOfCode).find((found) => found);
  if (error) throw error;
  return positions.filter(({ offset }) => offset >= 0);
}

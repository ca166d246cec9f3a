/**
 * The log's id: the first record of a compacted topic of one partition. Several may write one at once; the first
 * stands, for everybody. Each record has a key of its own, so compaction never drops the first.
 *
 * @module
 */

import type { TopicSpec } from "./event_log.ts";
import { KafkaAppender } from "./_kafka_appender.ts";
import type { KafkaCluster } from "./_kafka_cluster.ts";
import { partitionRanges } from "./_kafka_offsets.ts";
import { KafkaReader } from "./_kafka_reader.ts";

/** The topic's plain name. */
export const IDENTITY_TOPIC = "log_identity";
const FORMAT_VERSION = 1;
const READ_MS_MAX = 10_000;

/** How the topic is made. */
export function identitySpec(name: string): TopicSpec {
  return { name, partitions: 1, cleanup: "compact", retentionMs: -1 };
}

/** The id that stands in the topic (name as on the broker); `undefined` where there is none yet. */
export async function readIdentity(cluster: KafkaCluster, topic: string): Promise<string | undefined> {
  if ((await cluster.metadata([topic])).length === 0) return undefined;
  const [range] = await partitionRanges(cluster, [topic]);
  if (!range || range.end === range.start) return undefined;
  const naming = { toKafka: (name: string) => name };
  const reader = await KafkaReader.open(cluster.fork(), naming, [{
    topic,
    partition: 0,
    offset: range.start,
  }]);
  try {
    const [batch] = await reader.poll({ maxWaitMs: READ_MS_MAX });
    const first = batch?.records[0]?.value;
    if (first === null || first === undefined) return undefined;
    const { log_id: id, format } = JSON.parse(first);
    if (format === FORMAT_VERSION && typeof id === "string") return id;
    throw new Error(
      `Cannot use this log: the topic "${topic}" has format ${format}, this program knows ${FORMAT_VERSION}`,
    );
  } finally {
    await reader.close();
  }
}

/** Writes an id of our own where there is none, and returns the one that stands. */
export async function ensureIdentity(cluster: KafkaCluster, topic: string): Promise<string> {
  const standing = await readIdentity(cluster, topic);
  if (standing !== undefined) return standing;
  const id = crypto.randomUUID();
  const appender = new KafkaAppender(cluster.fork());
  try {
    await appender.append([{
      topic,
      key: id,
      value: JSON.stringify({ log_id: id, format: FORMAT_VERSION }),
    }]);
  } finally {
    await appender.close();
  }
  const first = await readIdentity(cluster, topic);
  if (first !== undefined) return first;
  throw new Error(`Cannot read the log's id back from the topic "${topic}"`);
}

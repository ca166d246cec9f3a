/**
 * The log's id: the first record of a compacted topic of one partition. Several may write one at once; the first
 * stands, for everybody. Each record has a key of its own, so compaction never drops the first.
 *
 * Behind it stand the topics of the log, each under the id that the broker gave it: a topic that was deleted and made
 * again has another one.
 *
 * @module
 */

import type { NewRecord, TopicSpec } from "./event_log.ts";
import { KafkaAppender } from "./_kafka_appender.ts";
import type { KafkaCluster } from "./_kafka_cluster.ts";
import { partitionRanges } from "./_kafka_offsets.ts";
import { KafkaReader } from "./_kafka_reader.ts";

/** The topic's plain name. */
export const IDENTITY_TOPIC = "log_identity";
const FORMAT_VERSION = 1;
const TOPIC_KEY = "topic ";
const READ_MS_MAX = 10_000;

/** How the topic is made. */
export function identitySpec(name: string): TopicSpec {
  return { name, partitions: 1, cleanup: "compact", retentionMs: -1 };
}

/** What stands in the topic. */
export interface LogIdentity {
  logId: string;
  /** The brokers' ids of the log's topics, by the topics' plain names. */
  topicIds: Map<string, string>;
}

/** What stands in the topic (name as on the broker); `undefined` where it holds no id yet. */
export async function readIdentity(cluster: KafkaCluster, topic: string): Promise<LogIdentity | undefined> {
  if ((await cluster.metadata([topic])).length === 0) return undefined;
  const [range] = await partitionRanges(cluster, [topic]);
  if (!range || range.end === range.start) return undefined;
  const naming = { toKafka: (name: string) => name };
  const from = { topic, partition: 0, offset: range.start };
  const reader = await KafkaReader.open(cluster.fork(), naming, [from]);
  let identity: LogIdentity | undefined;
  try {
    for (let next = range.start; next < range.end;) {
      const [batch] = await reader.poll({ maxWaitMs: READ_MS_MAX });
      if (batch === undefined) break;
      next = batch.nextOffset;
      for (const { key, value } of batch.records) {
        if (identity === undefined) {
          if (value === null) return undefined;
          const { log_id: logId, format } = JSON.parse(value);
          if (format !== FORMAT_VERSION || typeof logId !== "string") {
            throw new Error(
              `Cannot use this log: the topic "${topic}" has format ${format}, this program knows ${FORMAT_VERSION}`,
            );
          }
          identity = { logId, topicIds: new Map() };
        } else if (key?.startsWith(TOPIC_KEY)) {
          const name = key.slice(TOPIC_KEY.length);
          if (value === null) identity.topicIds.delete(name);
          else identity.topicIds.set(name, JSON.parse(value).topic_id);
        }
      }
    }
    return identity;
  } finally {
    await reader.close();
  }
}

/** Writes an id of our own where there is none, and returns what stands. */
export async function ensureIdentity(cluster: KafkaCluster, topic: string): Promise<LogIdentity> {
  const standing = await readIdentity(cluster, topic);
  if (standing !== undefined) return standing;
  const id = crypto.randomUUID();
  await append(cluster, [{ topic, key: id, value: JSON.stringify({ log_id: id, format: FORMAT_VERSION }) }]);
  const first = await readIdentity(cluster, topic);
  if (first !== undefined) return first;
  throw new Error(`Cannot read the log's id back from the topic "${topic}"`);
}

/** Notes which topics are the log's, by their plain names; `null` forgets one. */
export async function noteTopics(
  cluster: KafkaCluster,
  topic: string,
  topicIds: ReadonlyMap<string, string | null>,
): Promise<void> {
  if (topicIds.size === 0) return;
  await append(
    cluster,
    Array.from(topicIds, ([name, id]) => ({
      topic,
      key: TOPIC_KEY + name,
      value: id === null ? null : JSON.stringify({ topic_id: id }),
    })),
  );
}

async function append(cluster: KafkaCluster, records: NewRecord[]): Promise<void> {
  const appender = new KafkaAppender(cluster.fork());
  try {
    await appender.append(records);
  } finally {
    await appender.close();
  }
}

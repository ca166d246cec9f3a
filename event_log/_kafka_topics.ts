/**
 * Making, listing and deleting topics.
 *
 * @module
 */

import { LogUnavailableError, type TopicDescription, type TopicSpec } from "./event_log.ts";
import type { KafkaCluster } from "./_kafka_cluster.ts";
import { hasMoved, isRetriable, kafkaErrorType, messageOf } from "./_kafka_errors.ts";
import { pause, retrying } from "./_kafka_retry.ts";
import { configOf } from "./_kafka_topic_settings.ts";

const DEADLINE_MS = 20_000;
const REQUEST_MS_MAX = 10_000;
const PAUSE_MS = 50;
/** The broker's own default, which suits its number of brokers. */
const BROKER_DEFAULT = -1;
const REPLICAS_MAX = 3;

/** Makes the topics that are missing (names as on the broker) and returns their names. */
export async function createMissingTopics(cluster: KafkaCluster, specs: TopicSpec[]): Promise<string[]> {
  if (specs.length === 0) return [];
  const existing = new Set(
    (await metadataOf(cluster, specs.map((spec) => spec.name))).map(({ name }) => name),
  );
  const missing = specs.filter((spec) => !existing.has(spec.name));
  const created = await Promise.all(missing.map((spec) => createTopic(cluster, spec)));
  await untilLed(cluster, specs.map((spec) => spec.name));
  return missing.filter((_, i) => created[i]).map((spec) => spec.name);
}

/** The topics that `belongs` says yes to; those that Kafka keeps for itself are left out. */
export async function listTopics(
  cluster: KafkaCluster,
  belongs: (name: string) => boolean,
): Promise<TopicDescription[]> {
  return (await metadataOf(cluster, null))
    .filter(({ name, internal }) => !internal && belongs(name))
    .map(({ name, partitions }) => ({ name, partitions: partitions.length }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Deletes topics (names as on the broker); those that do not exist are none of its worries. */
export async function deleteTopics(cluster: KafkaCluster, names: string[]): Promise<void> {
  await Promise.all(names.map((name) =>
    retrying(async () => {
      const broker = await cluster.controller();
      try {
        await broker.deleteTopics({ topics: [name], timeout: REQUEST_MS_MAX });
      } catch (error) {
        if (kafkaErrorType(error) !== "UNKNOWN_TOPIC_OR_PARTITION") throw error;
      }
    }, { deadlineMs: DEADLINE_MS, signal: cluster.closed })
  ));
  cluster.forgetLeaders(names);
  await waiting(
    async () => (await metadataOf(cluster, names)).length === 0,
    "Kafka has deleted the topics",
    cluster,
  );
}

/** True when this call has made it, false when it was there. */
async function createTopic(
  cluster: KafkaCluster,
  spec: TopicSpec,
  replicationFactor = BROKER_DEFAULT,
): Promise<boolean> {
  const configEntries = Object.entries(configOf(spec)).map(([name, value]) => ({ name, value }));
  try {
    await retrying(async () => {
      const broker = await cluster.controller();
      const topics = [{ topic: spec.name, numPartitions: spec.partitions, replicationFactor, configEntries }];
      await broker.createTopics({ topics, timeout: REQUEST_MS_MAX }).catch(throwFirst);
    }, { deadlineMs: DEADLINE_MS, signal: cluster.closed, retriable: (error) => isRetriable(error) });
    return true;
  } catch (error) {
    const type = kafkaErrorType(error);
    if (type === "TOPIC_ALREADY_EXISTS") return false;
    if (type === "INVALID_REPLICATION_FACTOR" && replicationFactor === BROKER_DEFAULT) {
      return await createTopic(cluster, spec, Math.min(cluster.nodeIds().length, REPLICAS_MAX));
    }
    throw new Error(`Cannot create the topic "${spec.name}": ${messageOf(error)}`, { cause: error });
  }
}

/** kafkajs gathers the errors of all topics of a request; ours has one topic. */
function throwFirst(error: unknown): never {
  const { errors } = error as { errors?: unknown[] };
  throw errors?.[0] ?? error;
}

async function untilLed(cluster: KafkaCluster, names: string[]): Promise<void> {
  await waiting(
    async () => {
      const topics = await metadataOf(cluster, names);
      return topics.length === new Set(names).size &&
        topics.every(({ partitions }) =>
          partitions.length > 0 && partitions.every(({ leader }) => leader >= 0)
        );
    },
    `all partitions of ${names.join(", ")} have a leader`,
    cluster,
  );
}

async function waiting(
  condition: () => Promise<boolean>,
  what: string,
  cluster: KafkaCluster,
): Promise<void> {
  const endMs = performance.now() + DEADLINE_MS;
  while (!await condition()) {
    if (performance.now() > endMs) {
      throw new LogUnavailableError(`Waited ${DEADLINE_MS} ms in vain until ${what}`);
    }
    await pause(PAUSE_MS, cluster.closed);
  }
}

function metadataOf(cluster: KafkaCluster, names: string[] | null) {
  return retrying(() => cluster.metadata(names), {
    deadlineMs: DEADLINE_MS,
    signal: cluster.closed,
    retriable: hasMoved,
  });
}

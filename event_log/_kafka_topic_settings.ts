/**
 * A topic's settings on the broker: what the pipeline wants, what stands, and bringing the one to the other.
 *
 * @module
 */

import type { SettingDifference, TopicSettings, TopicSpec } from "./event_log.ts";
import type { KafkaCluster } from "./_kafka_cluster.ts";
import { errorOfCode, isRetriable, kafkaErrorType, messageOf } from "./_kafka_errors.ts";
import type { KafkaRequest } from "./_kafka_request.ts";
import { retrying } from "./_kafka_retry.ts";
import type { WireReader } from "./_kafka_wire.ts";

const TOPIC_RESOURCE = 2;
const SET = 0;
const DEADLINE_MS = 20_000;

/** The broker's settings of a topic, by their names there. */
export function configOf({ cleanup, retentionMs }: TopicSpec): Record<string, string> {
  // The record's time is when it was appended, whoever wrote it.
  const common = { "cleanup.policy": cleanup, "message.timestamp.type": "LogAppendTime" };
  if (cleanup === "delete") return { ...common, "retention.ms": String(retentionMs) };
  // Only closed segments are compacted: close them early, so that restoring a state reads little more than it.
  return {
    ...common,
    "segment.ms": String(10 * 60_000),
    "segment.bytes": String(64 * 1024 * 1024),
    "min.cleanable.dirty.ratio": "0.2",
  };
}

/** The settings of topics that exist (names as on the broker); `null` of those that this user may not look at. */
export async function topicSettings(cluster: KafkaCluster, specs: TopicSpec[]): Promise<TopicSettings[]> {
  if (specs.length === 0) return [];
  const described = await retrying(
    () => cluster.send(null, describeConfigsRequest(specs.map(({ name }) => name))),
    { deadlineMs: DEADLINE_MS, signal: cluster.closed },
  );
  return specs.flatMap((spec): TopicSettings[] => {
    const { error, values } = described.get(spec.name)!;
    const type = kafkaErrorType(error);
    if (type === "UNKNOWN_TOPIC_OR_PARTITION") return [];
    if (type.includes("AUTHORIZATION")) {
      return [{ name: spec.name, cleanup: null, retentionMs: null, differences: [] }];
    }
    if (error !== undefined) throw error;
    const differences: SettingDifference[] = [];
    for (const [setting, wanted] of Object.entries(configOf(spec))) {
      const is = values.get(setting) ?? "";
      if (is !== wanted) differences.push({ setting, is, wanted });
    }
    const cleanup = values.get("cleanup.policy") ?? null;
    const retentionMs = Number(values.get("retention.ms"));
    return [{ name: spec.name, cleanup, retentionMs, differences }];
  });
}

/**
 * Sets what differs from the specs (names as on the broker), and nothing else.
 *
 * @throws {Error} naming topic and reason where the broker refuses.
 */
export async function applyTopicSettings(cluster: KafkaCluster, specs: TopicSpec[]): Promise<void> {
  const deviating = (await topicSettings(cluster, specs)).filter(({ differences }) => differences.length > 0);
  if (deviating.length === 0) return;
  await retrying(() => cluster.send(null, alterConfigsRequest(deviating)), {
    deadlineMs: DEADLINE_MS,
    signal: cluster.closed,
    retriable: isRetriable,
  });
}

interface DescribedTopic {
  error: Error | undefined;
  values: Map<string, string>;
}

/** DescribeConfigs, version 1 (Kafka ≥ 1.1). */
function describeConfigsRequest(names: string[]): KafkaRequest<Map<string, DescribedTopic>> {
  return {
    api: { key: 32, version: 1, name: "DescribeConfigs" },
    encode: (writer) => {
      // A list of names of -1: all settings. Then: no synonyms.
      writer.array(names, (name) => writer.int8(TOPIC_RESOURCE).string(name).int32(-1)).int8(0);
    },
    decode: decodeDescribed,
  };
}

function decodeDescribed(reader: WireReader): Map<string, DescribedTopic> {
  reader.int32();
  return new Map(reader.array(() => {
    const error = errorOfCode(reader.int16());
    reader.string();
    reader.int8();
    const name = reader.string()!;
    const values = reader.array(() => {
      const setting = reader.string()!;
      const value = reader.string() ?? "";
      // Read only, source, sensitive, synonyms.
      reader.int8();
      reader.int8();
      reader.int8();
      reader.array(() => [reader.string(), reader.string(), reader.int8()]);
      return [setting, value] as const;
    });
    return [name, { error, values: new Map(values) }] as const;
  }));
}

/** IncrementalAlterConfigs, version 0 (Kafka ≥ 2.3): what is not named stays as it is. */
function alterConfigsRequest(topics: TopicSettings[]): KafkaRequest<void> {
  return {
    api: { key: 44, version: 0, name: "IncrementalAlterConfigs" },
    encode: (writer) => {
      writer.array(topics, ({ name, differences }) => {
        writer.int8(TOPIC_RESOURCE).string(name);
        writer.array(differences, ({ setting, wanted }) => writer.string(setting).int8(SET).string(wanted));
      }).int8(0);
    },
    decode: (reader) => {
      reader.int32();
      reader.array(() => {
        const error = errorOfCode(reader.int16());
        const said = reader.string();
        reader.int8();
        const name = reader.string();
        if (error === undefined) return;
        if (isRetriable(error)) throw error;
        const reason = said === null || said === "" ? messageOf(error) : said;
        throw new Error(`Cannot change the settings of the topic "${name}": ${reason}`, { cause: error });
      });
    },
  };
}

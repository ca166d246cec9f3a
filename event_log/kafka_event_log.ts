/**
 * The event log on Kafka (brokers ≥ 2.5), by way of kafkajs's connections.
 *
 * What differs from the embedded log: offsets have gaps (a transaction's marker takes one), so a partition's end counts
 * trailing markers; the offsets of a group can be stored outside a transaction only while it has no live members.
 *
 * @module
 */

import type { ConnectionOptions } from "node:tls";
import {
  type Appender,
  type EventLog,
  type GroupMember,
  type GroupOptions,
  LogUnavailableError,
  type NewRecord,
  type PartitionOffset,
  type PartitionRange,
  type Reader,
  type ReaderOptions,
  ReplacedTopicError,
  type TopicDescription,
  type TopicSettings,
  type TopicSpec,
  type Transactor,
} from "./event_log.ts";
import { KafkaAvailability } from "./_kafka_availability.ts";
import { KafkaAppender } from "./_kafka_appender.ts";
import { type ClusterOptions, connectCluster, hostAndPort, type KafkaCluster } from "./_kafka_cluster.ts";
import { kafkaErrorType } from "./_kafka_errors.ts";
import { replacedTopicText, unavailableText } from "./_kafka_error_texts.ts";
import { KafkaGroupMember } from "./_kafka_group_member.ts";
import { ensureIdentity, IDENTITY_TOPIC, identitySpec, noteTopics, readIdentity } from "./_kafka_identity.ts";
import { offsetFetchRequest, partitionRanges } from "./_kafka_offsets.ts";
import { PartitionBuffer } from "./_kafka_partition_buffer.ts";
import { KafkaReader } from "./_kafka_reader.ts";
import { TopicNames } from "./_kafka_topic_names.ts";
import { applyTopicSettings, topicSettings } from "./_kafka_topic_settings.ts";
import { createMissingTopics, deleteTopics, listTopics } from "./_kafka_topics.ts";
import { KafkaTransactor, topicOffsets, withCoordinator } from "./_kafka_transactor.ts";

const CONNECTION_TIMEOUT_MS_DEFAULT = 3_000;
const REQUEST_TIMEOUT_MS = 15_000;
const OPEN_DEADLINE_MS = 6_000;
const DEADLINE_MS = 10_000;
const UNKNOWN_GENERATION = -1;

/** How severe a message is. */
export type LogLevel = "info" | "warn" | "error";

/** How to reach Kafka. */
export interface KafkaEventLogOptions {
  /** `host:port` of one or more brokers. */
  brokers: string[];
  /** Names this program in the broker's logs and quotas. */
  clientId: string;
  /** Stands before the names of topics, groups and transactional ids on the broker, and nowhere else. Default "". */
  topicPrefix?: string;
  sasl?: { mechanism: "plain" | "scram-sha-256" | "scram-sha-512"; username: string; password: string };
  /** `true` trusts the system's authorities; else what `node:tls` takes. Default: no TLS. */
  ssl?:
    | boolean
    | Pick<ConnectionOptions, "ca" | "cert" | "key" | "passphrase" | "rejectUnauthorized" | "servername">;
  /** Is told of lost and found connections, and of partitions given up. Default: nobody. */
  logger?: (level: LogLevel, message: string) => void;
  /** Milliseconds that a broker may take to accept a connection. Default 3,000. */
  connectionTimeoutMs?: number;
}

/**
 * Connects to Kafka.
 *
 * @throws {LogUnavailableError} When no broker answers within about ten seconds.
 */
export async function openKafkaEventLog(options: KafkaEventLogOptions): Promise<EventLog> {
  const log = options.logger ?? (() => {});
  const clusterOptions: ClusterOptions = {
    brokers: options.brokers,
    clientId: options.clientId,
    ssl: options.ssl,
    sasl: options.sasl && loginOf(options.sasl),
    connectionTimeoutMs: options.connectionTimeoutMs ?? CONNECTION_TIMEOUT_MS_DEFAULT,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    availability: new KafkaAvailability(log),
    log,
  };
  const names = new TopicNames(options.topicPrefix ?? "");
  try {
    if (options.brokers.length === 0) throw new Error("no broker is named");
    options.brokers.forEach(hostAndPort);
    const cluster = await connectCluster(clusterOptions, OPEN_DEADLINE_MS);
    try {
      return new KafkaEventLog(
        cluster,
        names,
        (await readIdentity(cluster, names.toKafka(IDENTITY_TOPIC)))?.logId,
      );
    } catch (error) {
      await cluster.close();
      throw error;
    }
  } catch (error) {
    throw new LogUnavailableError(unavailableText(options, error), { cause: error });
  }
}

/** A copy: kafkajs keeps what it makes of the login in the object that it is given. */
function loginOf({ mechanism, username, password }: NonNullable<KafkaEventLogOptions["sasl"]>) {
  return { mechanism, username, password };
}

/** The {@link EventLog} on Kafka. */
class KafkaEventLog implements EventLog {
  readonly engine = "kafka";
  readonly #cluster: KafkaCluster;
  readonly #names: TopicNames;
  #logId: string | undefined;
  readonly #open = new Set<{ close(): Promise<void> }>();

  constructor(cluster: KafkaCluster, names: TopicNames, logId: string | undefined) {
    this.#cluster = cluster;
    this.#names = names;
    this.#logId = logId;
  }

  get logId(): string {
    if (this.#logId !== undefined) return this.#logId;
    throw new Error(
      `This Kafka holds no log${this.#names.prefixNote} yet: make its topics with \`deno task topics\``,
    );
  }

  async createTopics(specs: TopicSpec[]): Promise<string[]> {
    const identity = this.#names.toKafka(IDENTITY_TOPIC);
    const named = specs.map((spec) => ({ ...spec, name: this.#names.toKafka(spec.name) }));
    const created = await createMissingTopics(this.#cluster, [...named, identitySpec(identity)]);
    const { logId, topicIds } = await ensureIdentity(this.#cluster, identity);
    this.#logId = logId;
    const isNew = specs.map(({ name }) => name).filter((name) => !topicIds.has(name));
    await noteTopics(this.#cluster, identity, await this.#topicIds(isNew));
    return created.filter((name) => name !== identity).map((name) => this.#names.toPlain(name));
  }

  async listTopics(): Promise<TopicDescription[]> {
    const identity = this.#names.toKafka(IDENTITY_TOPIC);
    const topics = await listTopics(
      this.#cluster,
      (name) => this.#names.isOurs(name) && name !== identity,
    );
    return topics.map(({ name, partitions }) => ({ name: this.#names.toPlain(name), partitions }));
  }

  /** Once no topic of the log is left, its id goes too: what is made then is another log. */
  async deleteTopics(names: string[]): Promise<void> {
    if (names.length === 0) return;
    const identity = this.#names.toKafka(IDENTITY_TOPIC);
    await deleteTopics(this.#cluster, names.map(this.#names.toKafka));
    if ((await this.listTopics()).length > 0) {
      if (this.#logId === undefined) return;
      await noteTopics(this.#cluster, identity, new Map(names.map((name) => [name, null])));
      return;
    }
    await deleteTopics(this.#cluster, [identity]);
    this.#logId = undefined;
  }

  async topicSettings(specs: TopicSpec[]): Promise<TopicSettings[]> {
    const settings = await topicSettings(this.#cluster, specs.map(this.#specToKafka));
    return settings.map((one) => ({ ...one, name: this.#names.toPlain(one.name) }));
  }

  async applySettings(specs: TopicSpec[]): Promise<void> {
    await applyTopicSettings(this.#cluster, specs.map(this.#specToKafka));
  }

  async checkIdentity(topics: readonly string[]): Promise<void> {
    const identity = await readIdentity(this.#cluster, this.#names.toKafka(IDENTITY_TOPIC));
    if (identity === undefined) return;
    const now = await this.#topicIds(topics);
    for (const [name, id] of now) {
      if ((identity.topicIds.get(name) ?? id) === id) continue;
      throw new ReplacedTopicError(replacedTopicText(name, this.#names.prefix));
    }
  }

  /** The brokers' ids of topics that exist, by plain names. */
  async #topicIds(topics: readonly string[]): Promise<Map<string, string>> {
    const ids = await this.#cluster.topicIds(topics.map(this.#names.toKafka));
    return new Map(Array.from(ids, ([name, id]) => [this.#names.toPlain(name), id]));
  }

  #specToKafka = (spec: TopicSpec): TopicSpec => ({ ...spec, name: this.#names.toKafka(spec.name) });

  async ranges(topics: string[]): Promise<PartitionRange[]> {
    const ranges = await this.#names.plainly(() =>
      partitionRanges(this.#cluster, topics.map(this.#names.toKafka))
    );
    return ranges.map((range) => ({ ...range, topic: this.#names.toPlain(range.topic) }));
  }

  async committedOffsets(group: string, topics: string[]): Promise<PartitionOffset[]> {
    const asked: { topic: string; partitions: number[] }[] = [];
    for (const { name, partitions } of await this.#cluster.metadata(topics.map(this.#names.toKafka))) {
      asked.push({ topic: name, partitions: [...partitions.keys()] });
    }
    if (asked.length === 0) return [];
    const groupId = this.#names.toKafka(group);
    const positions = await withCoordinator(this.#cluster, "group", groupId, DEADLINE_MS, async () => {
      const coordinator = await this.#cluster.coordinatorId("group", groupId);
      return await this.#cluster.send(coordinator, offsetFetchRequest(groupId, asked));
    });
    return positions.map((position) => ({ ...position, topic: this.#names.toPlain(position.topic) }));
  }

  async commitOffsets(group: string, positions: PartitionOffset[]): Promise<void> {
    if (positions.length === 0) return;
    const groupId = this.#names.toKafka(group);
    const topics = topicOffsets(positions, this.#names);
    try {
      await withCoordinator(
        this.#cluster,
        "group",
        groupId,
        DEADLINE_MS,
        (broker) =>
          broker.offsetCommit({ groupId, groupGenerationId: UNKNOWN_GENERATION, memberId: "", topics }),
      );
    } catch (error) {
      if (kafkaErrorType(error) !== "UNKNOWN_MEMBER_ID") throw error;
      throw new Error(
        `Cannot store offsets of the group "${group}": it has live members, which store their own`,
        {
          cause: error,
        },
      );
    }
  }

  appender(): Promise<Appender> {
    const appender = this.#tracked(new KafkaAppender(this.#cluster.fork()));
    return Promise.resolve({
      append: (records: NewRecord[]) =>
        this.#names.plainly(() =>
          appender.append(records.map((record) => ({ ...record, topic: this.#names.toKafka(record.topic) })))
        ),
      close: () => appender.close(),
    });
  }

  async transactor(id: string): Promise<Transactor> {
    return this.#tracked(await KafkaTransactor.open(id, this.#cluster.fork(), this.#names));
  }

  async reader({ positions, maxBytes }: ReaderOptions): Promise<Reader> {
    return this.#tracked(
      await this.#names.plainly(() =>
        KafkaReader.open(this.#cluster.fork(), this.#names, positions, maxBytes)
      ),
    );
  }

  async member(options: GroupOptions): Promise<GroupMember> {
    const topics = [...options.topics, ...options.companionTopics ?? []];
    const openReader = (partition: number) => {
      const buffers = topics.map((topic) => new PartitionBuffer(topic, partition));
      return new KafkaReader(this.#cluster.fork(), this.#names, buffers, options.maxBytes);
    };
    const cluster = this.#cluster.fork();
    const context = {
      cluster,
      group: this.#names.toKafka(options.group),
      topics: topics.map(this.#names.toKafka),
      openReader,
    };
    return this.#tracked(await this.#names.plainly(() => KafkaGroupMember.open(context, options)));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((part) => part.close()));
    await this.#cluster.close();
  }

  /** Remembers what must be closed with the log. */
  #tracked<T extends { close(): Promise<void> }>(part: T): T {
    this.#open.add(part);
    const close = part.close.bind(part);
    part.close = () => {
      this.#open.delete(part);
      return close();
    };
    return part;
  }
}

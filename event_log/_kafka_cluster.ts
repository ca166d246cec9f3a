/**
 * Connections to the brokers of a cluster, and who leads what. kafkajs's own cluster is not used: one topic without a
 * leader, whosever it is, fails its metadata.
 *
 * Each long-lived user (reader, transactor, member) has a cluster of its own: a broker answers the requests of a
 * connection one after another, so a waiting fetch or join would hold up everybody else on it.
 *
 * @module
 */

import type { ConnectionOptions } from "node:tls";
import { UnknownTopicError } from "./event_log.ts";
import type { KafkaAvailability } from "./_kafka_availability.ts";
import { errorOfCode, kafkaErrorType } from "./_kafka_errors.ts";
import type { KafkaBroker } from "./_kafka_internals.ts";
import { BrokerLink, type Lane } from "./_kafka_link.ts";
import {
  METADATA_KEY,
  metadataRequest,
  TOPIC_IDS_VERSION,
  topicIdsRequest,
  type TopicMetadata,
} from "./_kafka_metadata.ts";
import type { KafkaRequest } from "./_kafka_request.ts";
import { retrying } from "./_kafka_retry.ts";

const CONNECT_PAUSE_MS = 200;
const PORT_DEFAULT = 9092;

/** How to reach the cluster. */
export interface ClusterOptions {
  /** `host:port` of brokers to ask first. */
  brokers: string[];
  clientId: string;
  ssl?: boolean | ConnectionOptions;
  sasl?: { mechanism: string; username: string; password: string };
  connectionTimeoutMs: number;
  requestTimeoutMs: number;
  availability: KafkaAvailability;
  log: (level: "info" | "warn" | "error", message: string) => void;
}

/** Connections to one cluster. */
export class KafkaCluster {
  readonly options: ClusterOptions;
  readonly #abort = new AbortController();
  readonly #links = new Map<number, BrokerLink>();
  readonly #leaders = new Map<string, number[]>();
  readonly #coordinators = new Map<string, number>();
  #seed: BrokerLink | undefined;
  #seedIndex = 0;
  #controllerId: number | null = null;

  constructor(options: ClusterOptions) {
    this.options = options;
  }

  /** Aborts when the cluster is closed. */
  get closed(): AbortSignal {
    return this.#abort.signal;
  }

  /** The node ids of the brokers that are known. */
  nodeIds(): number[] {
    return [...this.#links.keys()];
  }

  /** Another set of connections to the same cluster. */
  fork(): KafkaCluster {
    return new KafkaCluster(this.options);
  }

  /** Sends a request to a node (any, where `nodeId` is `null`) and returns its answer. */
  async send<T>(nodeId: number | null, request: KafkaRequest<T>, lane: Lane = 0): Promise<T> {
    return await (await this.#link(nodeId)).send(request, lane);
  }

  /** A node's broker, connected: kafkajs's requests are its methods. */
  async broker(nodeId: number | null): Promise<KafkaBroker> {
    return await (await this.#link(nodeId)).broker();
  }

  /** The broker that makes and deletes topics. */
  async controller(): Promise<KafkaBroker> {
    await this.metadata([]);
    return await this.broker(this.#controllerId);
  }

  /** Topics as the cluster describes them; all of them for `null`. Topics that do not exist are left out. */
  async metadata(topics: string[] | null): Promise<TopicMetadata[]> {
    const answer = await this.send(null, metadataRequest(topics));
    this.#learnBrokers(answer.brokers);
    this.#controllerId = answer.controllerId >= 0 ? answer.controllerId : null;
    const known = answer.topics.filter((topic) =>
      kafkaErrorType(errorOfCode(topic.errorCode)) !== "UNKNOWN_TOPIC_OR_PARTITION"
    );
    for (const topic of topics ?? []) this.#leaders.delete(topic);
    for (const topic of known) {
      const leaders = topic.partitions.map((partition) => partition.leader);
      if (leaders.length > 0 && leaders.every((leader) => leader >= 0)) {
        this.#leaders.set(topic.name, leaders);
      }
    }
    return known;
  }

  /**
   * The leading node of each partition of a topic, remembered until {@link KafkaCluster.forgetLeaders}.
   *
   * @throws {UnknownTopicError}
   */
  async leaders(topic: string): Promise<number[]> {
    const remembered = this.#leaders.get(topic);
    if (remembered) return remembered;
    const [description] = await this.metadata([topic]);
    if (!description) {
      throw new UnknownTopicError(
        `There is no topic "${topic}" in this Kafka: create it with \`deno task topics\``,
      );
    }
    const leaders = this.#leaders.get(topic);
    if (leaders) return leaders;
    throw errorOfCode(description.errorCode) ?? errorOfCode(5)!;
  }

  /** The ids of topics that exist, by name; nothing where the broker knows none (Kafka < 2.8). */
  async topicIds(topics: string[]): Promise<Map<string, string>> {
    if (topics.length === 0) return new Map();
    const { versions } = await this.broker(null);
    if ((versions?.[METADATA_KEY]?.maxVersion ?? 0) < TOPIC_IDS_VERSION) return new Map();
    return await this.send(null, topicIdsRequest(topics));
  }

  forgetLeaders(topics: Iterable<string>): void {
    for (const topic of topics) this.#leaders.delete(topic);
  }

  /** The id of the node that coordinates a group or a transactional id, remembered until forgotten. */
  async coordinatorId(kind: "group" | "transaction", key: string): Promise<number> {
    const name = `${kind} ${key}`;
    const remembered = this.#coordinators.get(name);
    if (remembered !== undefined) return remembered;
    const asked = await this.broker(null);
    const coordinatorType = kind === "group" ? 0 : 1;
    const { coordinator } = await asked.findGroupCoordinator({ groupId: key, coordinatorType });
    this.#learnBrokers([coordinator]);
    this.#coordinators.set(name, coordinator.nodeId);
    return coordinator.nodeId;
  }

  /** The broker that coordinates a group or a transactional id. */
  async coordinator(kind: "group" | "transaction", key: string): Promise<KafkaBroker> {
    return await this.broker(await this.coordinatorId(kind, key));
  }

  forgetCoordinator(kind: "group" | "transaction", key: string): void {
    this.#coordinators.delete(`${kind} ${key}`);
  }

  /** Ends every connection; requests that wait for an answer fail at once. */
  async close(error = closedError()): Promise<void> {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort(error);
    const links = [...this.#links.values(), ...(this.#seed ? [this.#seed] : [])];
    await Promise.all(links.map((link) => link.close(error)));
  }

  async #link(nodeId: number | null): Promise<BrokerLink> {
    this.#abort.signal.throwIfAborted();
    if (nodeId === null) return await this.#anyLink();
    let link = this.#links.get(nodeId);
    if (!link) {
      await this.metadata([]);
      link = this.#links.get(nodeId);
    }
    if (link) return link;
    throw errorOfCode(8)!;
  }

  /** A broker that answers: one that is known, else the next of the list. */
  async #anyLink(): Promise<BrokerLink> {
    this.#abort.signal.throwIfAborted();
    for (const link of this.#links.values()) {
      if (link.isConnected) return link;
    }
    const { brokers } = this.options;
    let failure: unknown;
    for (let tried = 0; tried < brokers.length; tried++) {
      const [host, port] = hostAndPort(brokers[this.#seedIndex++ % brokers.length]!);
      const known = [...this.#links.values()].find((link) => link.host === host && link.port === port);
      const link = known ?? this.#seedLink(host, port);
      try {
        await link.broker();
        return link;
      } catch (error) {
        failure = error;
      }
    }
    for (const link of this.#links.values()) {
      try {
        await link.broker();
        return link;
      } catch {
        // The error of the configured brokers says more.
      }
    }
    throw failure;
  }

  #seedLink(host: string, port: number): BrokerLink {
    if (this.#seed?.host !== host || this.#seed?.port !== port) {
      this.#seed?.close(closedError());
      this.#seed = new BrokerLink(host, port, this.options);
    }
    return this.#seed!;
  }

  #learnBrokers(brokers: { nodeId: number; host: string; port: number }[]): void {
    for (const { nodeId, host, port } of brokers) {
      const known = this.#links.get(nodeId);
      if (known?.host === host && known.port === port) continue;
      known?.close(closedError());
      if (this.#seed?.host === host && this.#seed.port === port) {
        this.#links.set(nodeId, this.#seed);
        this.#seed = undefined;
      } else {
        this.#links.set(nodeId, new BrokerLink(host, port, this.options));
      }
    }
  }
}

/** Connects; fails with the last error when no broker answers in about `deadlineMs`. */
export async function connectCluster(options: ClusterOptions, deadlineMs: number): Promise<KafkaCluster> {
  const cluster = new KafkaCluster(options);
  const lastMs = deadlineMs + options.connectionTimeoutMs;
  const timer = setTimeout(() => cluster.close(new Error(`no answer within ${lastMs / 1000} s`)), lastMs);
  try {
    await retrying(() => cluster.metadata([]), { deadlineMs, pauseMs: CONNECT_PAUSE_MS });
    return cluster;
  } catch (error) {
    await cluster.close();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Splits `host:port`; without a port, 9092. */
export function hostAndPort(address: string): [string, number] {
  const match = /^(?:\[([^\]\s]+)\]|([^\[\]:\s]+))(?::(\d+))?$/.exec(address.trim());
  const port = Number(match?.[3] ?? PORT_DEFAULT);
  if (!match || port < 1 || port > 65_535) {
    // What stands before an "@" may be a password.
    const shown = address.includes("@") ? "of which a part is no host" : `"${address}"`;
    throw new Error(`the broker address ${shown} is not of the form host:port`);
  }
  return [(match[1] ?? match[2])!, port];
}

function closedError(): Error {
  return new Error("The connection to Kafka has been closed");
}
